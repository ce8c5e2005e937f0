import type { RefusalReason } from "../../../src/jwt/reasons.ts";
import { base64url, tokenOf, type Parts } from "../support/world.ts";

/** A token that must be refused, and why. Each is a good token but for the one thing that its name says. */
export interface Attack {
  readonly name: string;
  readonly token: string;
  readonly reason: RefusalReason;
}

export const attack = (name: string, token: string, reason: RefusalReason): Attack => ({ name, token, reason });

/** A token that is signed as it should be, over words that it should not have. */
export const signed = (name: string, parts: Parts, reason: RefusalReason): Attack =>
  attack(name, tokenOf(parts), reason);

/** The token with one of its three parts changed as text. */
export function altered(token: string, part: 0 | 1 | 2, change: (text: string) => string): string {
  const parts = token.split(".");
  parts[part] = change(parts[part] ?? "");
  return parts.join(".");
}

/** The token with the bytes of its signature changed. */
export const resigned = (token: string, change: (signature: Buffer) => Buffer): string =>
  altered(token, 2, (text) => base64url(change(Buffer.from(text, "base64url"))));
