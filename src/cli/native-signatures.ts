import { join } from "node:path";
import { nodeSignatures } from "../jwt/node-signatures.ts";
import type { Signatures } from "../jwt/signatures.ts";
import { loadNative, nativeFile } from "../native/load.ts";

/** Put in by hack/bundle.ts: the folder of the program. */
declare const KEYTURN_FOLDER: string | undefined;

/** The native ones where the program brings them for this machine; undefined: those of node:crypto are to be taken. */
export function signaturesHere(): Signatures | undefined {
  if (typeof KEYTURN_FOLDER === "undefined") return undefined;
  try {
    return loadNative(join(KEYTURN_FOLDER, nativeFile), nodeSignatures);
  } catch {
    return undefined;
  }
}
