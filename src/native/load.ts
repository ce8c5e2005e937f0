import type { KeyObject } from "node:crypto";
import { constants } from "node:os";
import type { Sign, Signatures, Verify } from "../jwt/signatures.ts";
import type { Algorithm } from "../ring/key.ts";

/** What lib.rs exports; null for a key that AWS-LC does not take. */
export interface NativeLibrary {
  readonly verifier: (spki: Buffer, algorithm: Algorithm) => Verify | null;
  readonly signer: (pkcs8: Buffer, algorithm: Algorithm) => Sign | null;
  /** From now on no core dump has what is in the memory of this process; on Linux nobody but root may look into it. False where the kernel refuses. */
  readonly keepMemoryPrivate: () => boolean;
}

/** As Node.js calls them. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
}

const here: Machine = { platform: process.platform, arch: process.arch };

/** How the library lies beside the program of the image. @param machine - @default this one */
export const nativeFile = ({ platform, arch }: Machine = here): string => `signatures-${platform}-${arch}.node`;

/** A system's C library. */
export const libcs = ["gnu", "musl"] as const;
export type Libc = (typeof libcs)[number];

/** The package that brings it; npm installs the one that fits. @param machine - @default this one */
export const nativePackage = (libc: Libc, { platform, arch }: Machine = here): string =>
  `@keyturn/native-${platform}-${arch}-${libc}`;

/**
 * Loads the library.
 *
 * @param path - Of what src/native is built to
 * @throws Error when it is not there, or nothing that this machine loads
 */
export function loadNative(path: string): NativeLibrary {
  const loaded: { exports: Partial<NativeLibrary> } = { exports: {} };
  // At once: what is missed when it is first called ends the process
  process.dlopen(loaded, path, constants.dlopen.RTLD_NOW);
  const { verifier, signer, keepMemoryPrivate } = loaded.exports;
  if (verifier && signer && keepMemoryPrivate) return { verifier, signer, keepMemoryPrivate };
  throw new Error(`Cannot use ${path}: must be what src/native is built to`);
}

/**
 * Signatures by AWS-LC: faster than OpenSSL, and without an object for each part of a token (docs/benchmarks.md).
 *
 * @param otherwise - For keys that AWS-LC does not take: of RSA those with an exponent of more than 33 bits
 */
export const signaturesOf = ({ verifier, signer }: NativeLibrary, otherwise: Signatures): Signatures => ({
  name: "native",
  verifier(key, algorithm) {
    const own = verifier(key.export({ format: "der", type: "spki" }), algorithm);
    return own ?? otherwise.verifier(key, algorithm);
  },
  signer(key, algorithm) {
    const own = withDer(key, (der) => signer(der, algorithm));
    return own ?? otherwise.signer(key, algorithm);
  },
});

/** This copy of the private half is written over as soon as AWS-LC has its own. */
function withDer<Result>(key: KeyObject, use: (der: Buffer) => Result): Result {
  const der = key.export({ format: "der", type: "pkcs8" });
  try {
    return use(der);
  } finally {
    der.fill(0);
  }
}
