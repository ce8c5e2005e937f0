import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { addressFlaw, ownAddressFlaw } from "../../http/remote-address.ts";
import type { TrustedIssuer } from "../../jwt/key-set.ts";
import { Cursor, type ObjectCursor } from "../../parse/cursor.ts";
import { isObject, type Members } from "../../parse/object.ts";
import { algorithms, type Algorithm } from "../../ring/key.ts";

/** Where the public keys are. */
export type VerifierSource =
  /** At a URL of https; http is for this machine alone, unless `plainHTTP` says otherwise. Loaded again in the background. */
  | {
      readonly jwksURL: string | URL;
      /** Who may have signed the server's certificate, PEM. @default whom Node.js trusts */
      readonly ca?: string;
      /** True: also http to other machines. Whoever is on the way could give his own keys. @default false */
      readonly plainHTTP?: boolean;
    }
  /** In `jwks.json` of a directory: a mounted public ConfigMap, or `public` of a standalone's. Followed as it changes. */
  | { readonly directory: string }
  /** Here, as a JWK Set (RFC 7517 §5) or its JSON. */
  | { readonly jwks: string | { readonly keys: readonly object[] } };

/** What happens to the keys. */
export type VerifierEvent =
  /** These keys verify from now on. */
  | { readonly kind: "keys"; readonly kids: readonly string[] }
  /** The source gives no keys, or none that are any good; those of before go on. Said once, until it is another problem. */
  | { readonly kind: "unavailable"; readonly problem: string }
  /** One of the keys can't be used, and is passed over. */
  | { readonly kind: "passedOver"; readonly problem: string };

/** What a token must be, beside signed. */
export interface VerifierOptions {
  /** `iss`, exactly. */
  readonly issuer: string;
  /** `aud` must name it, or one of them, exactly. */
  readonly audience: string | readonly string[];
  /** The one `typ` that the header must say (RFC 8725 §3.11). @default none needs to be there */
  readonly type?: string;
  /** What `typ` may be, where the header says one; without `application/`, in any case. @default JWT and at+jwt */
  readonly types?: readonly string[];
  /** Keys of other algorithms are not used. Which one a token may have says its key alone. @default all */
  readonly algorithms?: readonly Algorithm[];
  /**
   * How far a clock may be from the right time, either way, in milliseconds: `exp`, `nbf` and `iat` are allowed twice that, the
   * issuer's clock and this one. @default 60000
   */
  readonly clockSkewMs?: number;
  /** The longest `exp - iat`, in milliseconds. @default any */
  readonly maxTTLMs?: number;
  /** So many verified tokens each key remembers in one of two generations, by their SHA-256; 0: none. @default 4096 */
  readonly cacheEntries?: number;
  /** Asked about each token that is good: true refuses it as `Revoked`. @default none is */
  readonly isRevoked?: (claims: Members) => boolean;
  /** True: opens although there are no keys yet, and refuses all tokens as `KeysUnavailable` until they come. @default false */
  readonly startWithoutKeys?: boolean;
  /** Hears what happens to the keys. Never with token material. */
  readonly onEvent?: (event: VerifierEvent) => void;
}

const optionNames = [
  ...["issuer", "audience", "type", "types", "algorithms", "clockSkewMs", "maxTTLMs", "cacheEntries"],
  ...["isRevoked", "startWithoutKeys", "onEvent"],
];
const subject = { code: "OptionsInvalid", action: "Cannot open a verifier" };
const longestName = 2048;
const mostAudiences = 100;
const mostTypes = 100;

/** What is said of the keys' issuer. @throws ChangeNeededError `OptionsInvalid`, for those who write no TypeScript */
export function readOptions(options: VerifierOptions): TrustedIssuer {
  const at = fieldsOf(options, "options").only(optionNames);
  at.maybe("type")?.text(longestName);
  const types = at.maybe("types");
  if (types !== undefined) for (const one of nonEmpty(types, mostTypes)) one.text(longestName);
  at.maybe("startWithoutKeys")?.trueOrFalse();
  at.maybe("cacheEntries")?.wholeNumber(0, 1_000_000);
  for (const name of ["isRevoked", "onEvent"]) mustBeFunction(at.maybe(name));
  const some = at.maybe("algorithms");
  return {
    issuer: at.at("issuer").text(longestName),
    audiences: readAudiences(at.at("audience")),
    algorithms: some === undefined ? algorithms : nonEmpty(some, algorithms.length).map((one) => one.oneOf(algorithms)),
    clockSkewMs: at.maybe("clockSkewMs")?.wholeNumber(0, 3_600_000) ?? 60_000,
    maxTTLMs: at.maybe("maxTTLMs")?.wholeNumber(1) ?? Infinity,
  };
}

const readAudiences = (at: Cursor): readonly string[] =>
  Array.isArray(at.value) ? nonEmpty(at, mostAudiences).map((one) => one.text(longestName)) : [at.text(longestName)];

function nonEmpty(at: Cursor, most: number): readonly Cursor[] {
  const items = at.list(most);
  if (items.length === 0) throw at.error("must have at least one item");
  return items;
}

function mustBeFunction(at: Cursor | undefined): void {
  if (at !== undefined && typeof at.value !== "function") throw at.error("must be a function");
}

/** A source, checked. */
export type ReadSource =
  | { readonly kind: "url"; readonly url: URL; readonly ca?: string }
  | { readonly kind: "directory"; readonly directory: string }
  | { readonly kind: "text"; readonly text: string };

/** @throws ChangeNeededError `OptionsInvalid` */
export function readSource(source: VerifierSource): ReadSource {
  const at = fieldsOf(source, "source");
  const [name, another] = ["jwksURL", "directory", "jwks"].filter((one) => at.maybe(one) !== undefined);
  if (name === undefined || another !== undefined) {
    throw new ChangeNeededError(subject.code, `${subject.action}: source: must have one of jwksURL, directory, jwks`);
  }
  if (name === "jwksURL") return readURL(at.only(["jwksURL", "ca", "plainHTTP"]));
  at.only([name]);
  return name === "jwks"
    ? { kind: "text", text: textOfSet(at.at(name)) }
    : { kind: "directory", directory: at.at(name).freeText(1, longestName) };
}

function readURL(at: ObjectCursor): ReadSource {
  const given = at.at("jwksURL");
  const url = given.value instanceof URL ? given.value : URL.parse(given.freeText(1, longestName));
  if (url === null) throw given.error("must be a URL");
  const flaw = at.maybe("plainHTTP")?.trueOrFalse() === true ? addressFlaw(url) : ownAddressFlaw(url);
  if (flaw !== undefined) throw given.error(flaw);
  const ca = at.maybe("ca")?.freeText(1, 1_048_576);
  return { kind: "url", url, ...(ca !== undefined && { ca }) };
}

function textOfSet(at: Cursor): string {
  if (typeof at.value === "string") return at.value;
  at.fields().at("keys");
  return JSON.stringify(at.value);
}

/** What is undefined is not there. */
function fieldsOf(value: unknown, path: string): ObjectCursor {
  const members = isObject(value)
    ? Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined))
    : value;
  return new Cursor(members, path, subject).fields();
}
