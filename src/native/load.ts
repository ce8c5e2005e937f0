import type { KeyObject } from "node:crypto";
import { constants } from "node:os";
import type { Check, Hash, Sign, Signatures } from "../jwt/signatures.ts";

/** What signatures.c exports. */
interface Exports {
  readonly verifier: (spki: Buffer, hash: Hash) => Check;
  readonly signer: (pkcs8: Buffer, hash: Hash) => Sign;
}

/** How signatures.c is called once it was compiled for this machine. */
export const nativeFile = `signatures-${process.platform}-${process.arch}.node`;

/**
 * Signatures without what node:crypto does anew at each call: a twelfth of an ES256 verification, a sixth of an ES256 signature (docs/benchmarks.md). The
 * same OpenSSL computes them.
 *
 * @param path - Of the compiled signatures.c
 * @throws Error when it is not there, or this Node.js has not all that it needs
 */
export function loadNative(path: string): Signatures {
  const loaded: { exports: Partial<Exports> } = { exports: {} };
  // At once: what is missed when it is first called ends the process
  process.dlopen(loaded, path, constants.dlopen.RTLD_NOW);
  const { verifier, signer } = loaded.exports;
  if (!verifier || !signer) throw new Error(`Cannot use ${path}: must be what signatures.c is compiled to`);
  return {
    name: "native",
    verifier: (key, hash) => verifier(key.export({ format: "der", type: "spki" }), hash),
    signer: (key, hash) => withDer(key, (der) => signer(der, hash)),
  };
}

/** This copy of the private half is written over as soon as OpenSSL has its own. */
function withDer<Result>(key: KeyObject, use: (der: Buffer) => Result): Result {
  const der = key.export({ format: "der", type: "pkcs8" });
  try {
    return use(der);
  } finally {
    der.fill(0);
  }
}
