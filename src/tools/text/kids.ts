import { RuleError } from "../../errors/keyturn-error.ts";
import type { Kid } from "../../ring/key.ts";
import { keysOf, type Ring } from "../../ring/ring.ts";
import { listed } from "./words.ts";
import { quoted } from "../../errors/quote.ts";
import { shortKid } from "../../ring/describe.ts";

/** What somebody gave for a kid: as long as a kid, it may be a key, and its beginning says which one is meant. */
export const kidShown = (text: string): string => (/^[\w-]{33,}$/.test(text) ? `"${shortKid(text)}"` : quoted(text));

/** How the tools end a kid that they cut, with and without Unicode. */
const cutMark = /(?:\u2026|\.{2,3})$/;

/** It can't be a kid as a whole: it is one as the tools print it. */
export const isCut = (text: string): boolean => cutMark.test(text);

/**
 * The one kid that the text names: whole, by its beginning, or as the tools print it. Undefined when it is no kid of the ring and no revoked
 * one.
 *
 * @throws RuleError `AmbiguousKid` when several kids begin so
 */
export function kidNamed(text: string, ring: Ring): Kid | undefined {
  const kids = [...new Set([...keysOf(ring).map((k) => k.kid), ...ring.revoked.map((r) => r.kid)])];
  if (kids.includes(text)) return text;
  const beginning = text.replace(cutMark, "");
  const found = beginning === "" ? [] : kids.filter((kid) => kid.startsWith(beginning));
  if (found.length > 1) {
    throw new RuleError(
      "AmbiguousKid",
      `Cannot take ${kidShown(text)} for a kid: must name one key, names ${listed(found)}`,
    );
  }
  return found[0];
}
