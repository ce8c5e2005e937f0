import { createPublicKey, type JsonWebKey } from "node:crypto";
import { entriesOf, type Fields, fieldsOf, isUnset, itemSpotsOf, refuse, type Spot } from "./fields.ts";
import { issuerCounts } from "./token-issuer-limits.ts";
import type { KeySource } from "./token-issuer.ts";
import { addressFlaw } from "../../http/remote-address.ts";
import { addressOf } from "../../http/web-address.ts";
import { discoveryPath } from "../../jwt/public-paths.ts";

/** The fields of which exactly one says where an issuer's keys come from. */
export const sourceFields = ["discovery", "jwksURL", "jwks", "tokenReview"] as const;
type SourceField = (typeof sourceFields)[number];

type SourceSpots = Fields<SourceField | "issuer" | "caFile" | "bearerTokenFile">;

/** Stands in for what can't be read. */
const none: KeySource = { kind: "jwks", jwks: { keys: [] } };

export function readKeySource(at: SourceSpots, issuer: string): KeySource {
  const [field, another] = sourceFields.filter((name) => !isUnset(at(name)));
  if (field === undefined || another !== undefined) {
    const actual = another === undefined ? "sets none" : `sets ${field} and ${another}`;
    const { path } = at("issuer");
    const owner = { ...at("issuer"), path: path.replace(/\.issuer$/, "") };
    refuse(owner, `must set exactly one of ${sourceFields.join(", ")}`, actual);
    return none;
  }
  return readers[field](at, issuer);
}

const readers: Readonly<Record<SourceField, (at: SourceSpots, issuer: string) => KeySource>> = {
  discovery: (at, issuer) => {
    const spot = at("discovery");
    const url = addressOf(fieldsOf(spot, ["url"])("url"));
    if (url !== undefined) return { kind: "discovery", url };
    const own = discoveryOf({ ...at("issuer"), value: issuer });
    return own === undefined ? none : { kind: "discovery", url: own };
  },
  jwksURL: (at) => {
    const url = addressOf(at("jwksURL"));
    return url === undefined ? none : { kind: "jwksURL", url };
  },
  jwks: (at) => {
    refuseFiles(at, "must be set only with discovery, jwksURL or tokenReview");
    return { kind: "jwks", jwks: readJwks(at("jwks")) };
  },
  tokenReview: (at) => {
    const server = addressOf(fieldsOf(at("tokenReview"), ["server"])("server"));
    if (server === undefined) {
      refuseFiles(at, "must be set only with tokenReview.server");
      return { kind: "tokenReview" };
    }
    if (isUnset(at("bearerTokenFile"))) refuse(at("bearerTokenFile"), "must be set with tokenReview.server");
    return { kind: "tokenReview", server };
  },
};

function refuseFiles(at: SourceSpots, must: string): void {
  for (const name of ["caFile", "bearerTokenFile"] as const) if (!isUnset(at(name))) refuse(at(name), must);
}

/** OpenID Connect Discovery 1.0 §4: the path is put after the issuer's. */
function discoveryOf(issuer: Spot): URL | undefined {
  const url = addressOf(issuer);
  if (url === undefined) return undefined;
  const flaw = url.search === "" ? addressFlaw(url) : "must be a URL without a query";
  if (flaw !== undefined) refuse(issuer, flaw, "is another text");
  url.pathname = `${url.pathname.replace(/\/$/, "")}${discoveryPath}`;
  return url;
}

/** What makes a JWK a secret (RFC 7518 §6.2.2, §6.3.2, §6.4.1). */
const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

type Jwks = Extract<KeySource, { kind: "jwks" }>["jwks"];

function readJwks(spot: Spot): Jwks {
  const keys = fieldsOf(spot, ["keys"])("keys");
  const items = itemSpotsOf(keys, issuerCounts.jwks);
  if (items.length === 0) refuse(keys, "must have at least one key", "has none");
  return { keys: items.map(readJwk) };
}

/** Says nothing of the members: one of them may be a secret, in the wrong place. */
function readJwk(spot: Spot): Jwks["keys"][number] {
  const members = Object.fromEntries(entriesOf(spot).map(([name, { value }]) => [name, value]));
  const flaw = privateMembers.some((name) => Object.hasOwn(members, name))
    ? "must be a public key, without private members"
    : publicKeyFlaw(members);
  if (flaw !== undefined) refuse(spot, flaw, "is another one");
  return members;
}

/** Why nothing can be verified with it; undefined for a good key. */
export function publicKeyFlaw(jwk: Readonly<Record<string, unknown>>): string | undefined {
  try {
    const key: JsonWebKey = { ...jwk };
    const { asymmetricKeyDetails } = createPublicKey({ key, format: "jwk" });
    const { modulusLength = 2048 } = asymmetricKeyDetails ?? {};
    // RFC 7518 §3.3
    return modulusLength < 2048 ? "must be an RSA key of at least 2048 bits" : undefined;
  } catch {
    return "must be a public key as a JWK";
  }
}
