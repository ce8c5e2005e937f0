import { basename } from "node:path";
import { quotedPath } from "../../errors/quote.ts";

/** Something with a private key in it, which others could read, and which is closed again. */
export interface Exposure {
  readonly path: string;
  /** Permission bits as they were. */
  readonly mode: number;
  /** As they are now. */
  readonly wanted: number;
  /** Whose it was. */
  readonly group: number;
  /** Not to its group alone. */
  readonly toAll: boolean;
}

const octal = (mode: number): string => mode.toString(8).padStart(4, "0");

/** What to know of it, and what to do. */
export function exposureText({ path, mode, wanted, group, toAll }: Exposure): string {
  const who = toAll ? "everybody on this machine" : `the group ${group}`;
  const change = mode === wanted ? "it is its own group's again" : `it has its mode ${octal(wanted)} again`;
  const flag = basename(path) === "ring" ? "nobody but Keyturn reads it" : "--signer-group names who may read it";
  const act = "whoever may have read it can sign: if that is nobody you trust, keyturn rotate, and then revoke the key";
  return `${quotedPath(path)} was open to ${who} (mode ${octal(mode)}), with private keys in it: ${change}; ${flag}; ${act}`;
}
