import type { KeyObject } from "node:crypto";
import { constants } from "node:os";
import type { SignatureForm, Hash, Sign, Signatures, Verify } from "../jwt/signatures.ts";
import { replacement, utf8Text } from "../parse/utf8.ts";

/** What signatures.c exports. */
interface Exports {
  readonly verifier: (spki: Buffer, ...form: FormArguments) => Verify;
  readonly signer: (pkcs8: Buffer, ...form: FormArguments) => Sign;
}

type FormArguments = readonly [hash: Hash, bytes: number, isPair: boolean];

const argumentsOf = ({ hash, bytes, isPair }: SignatureForm): FormArguments => [hash, bytes, isPair];

/** How signatures.c is called once it was compiled for this machine. */
export const nativeFile = `signatures-${process.platform}-${process.arch}.node`;

/**
 * Signatures without what node:crypto does anew at each call, and without an object for each part of a token (docs/benchmarks.md).
 * The same OpenSSL computes them.
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
    verifier: (key, form) => strict(verifier(key.export({ format: "der", type: "spki" }), ...argumentsOf(form))),
    signer: (key, form) => withDer(key, (der) => signer(der, ...argumentsOf(form))),
  };
}

/** V8 decodes what is no UTF-8, too. */
const strict =
  (verify: Verify): Verify =>
  (token, headerEnd, inputEnd) => {
    const text = verify(token, headerEnd, inputEnd);
    if (typeof text !== "string" || !text.includes(replacement)) return text;
    return utf8Text(Buffer.from(token.slice(headerEnd + 1, inputEnd), "base64url"));
  };

/** This copy of the private half is written over as soon as OpenSSL has its own. */
function withDer<Result>(key: KeyObject, use: (der: Buffer) => Result): Result {
  const der = key.export({ format: "der", type: "pkcs8" });
  try {
    return use(der);
  } finally {
    der.fill(0);
  }
}
