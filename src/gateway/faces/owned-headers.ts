import { ChangeNeededError } from "../../errors/keyturn-error.ts";

/** A claim, and the header in which the upstream finds it. */
export interface OwnedHeader {
  readonly claim: string;
  readonly header: string;
}

/** RFC 9110 §5.6.2, within what every proxy takes. */
const nameForm = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;

/** Headers that mean something to proxies and clients: a claim in their place would be an attack. */
const taken = new Set([
  "authorization",
  "connection",
  "content-length",
  "content-type",
  "cookie",
  "date",
  "expect",
  "host",
  "keep-alive",
  "location",
  "proxy-authenticate",
  "proxy-authorization",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "www-authenticate",
]);

/** What upstreams are told when nobody says otherwise. */
export const defaultOwnedHeaders: readonly OwnedHeader[] = [{ claim: "sub", header: "X-Auth-Subject" }];

/** @throws ChangeNeededError `HeaderUnusable` for a name that can't be owned, or is there twice */
export function checkOwnedHeaders(owned: readonly OwnedHeader[]): readonly OwnedHeader[] {
  const seen = new Set<string>();
  for (const { header } of owned) {
    const name = header.toLowerCase();
    const problem = !nameForm.test(header)
      ? "must be letters, digits and -"
      : taken.has(name)
        ? "must not be one that HTTP gives a meaning to"
        : seen.has(name)
          ? "must stand once, stands twice"
          : undefined;
    if (problem !== undefined) {
      throw new ChangeNeededError("HeaderUnusable", `Cannot own header ${JSON.stringify(header)}: ${problem}`);
    }
    seen.add(name);
  }
  return owned;
}

/**
 * Every owned header with its value, empty where the claim is not there: a header that is left out would let the client's own
 * pass through a proxy.
 *
 * @returns names and values in turn
 */
export function ownedHeaders(owned: readonly OwnedHeader[], claims: Readonly<Record<string, unknown>>): string[] {
  const headers: string[] = [];
  for (const { claim, header } of owned) {
    headers.push(header, headerValue(Object.hasOwn(claims, claim) ? claims[claim] : undefined));
  }
  return headers;
}

/**
 * Texts, numbers and truth values as they are, a list of these with commas between; anything else is empty. Percent-encoded
 * (RFC 3986 §2.1) is what is not visible ASCII, the percent sign, and a comma within a list: so no claim can end a header
 * or make two items of one, and `decodeURIComponent` gives it back.
 */
function headerValue(value: unknown): string {
  if (!Array.isArray(value)) return scalar(value).replaceAll(unsafe, percentEncoded);
  return value.map((item: unknown) => scalar(item).replaceAll(unsafeInList, percentEncoded)).join(",");
}

function scalar(value: unknown): string {
  if (typeof value === "string") return value.toWellFormed();
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** All but visible ASCII without `%`; spaces only at the ends, where they would be lost. Looks at no space twice. */
const unsafe = /[^ -$&-~]|^ +|(?<! ) +$/gu;
/** Commas and spaces as well. */
const unsafeInList = /[^!-$&-+\--~]/gu;

const percentEncoded = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
