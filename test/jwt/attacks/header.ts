import { pairOf, type Pair } from "../../support/keys.ts";
import { keyOf, tokenOf } from "../support/world.ts";
import { signed, type Attack } from "./attack.ts";

const thief: Pair = { ...pairOf("ES256", 4), kid: keyOf("ES256").kid };
const thiefsJwk = thief.material.publicJwk;
const elsewhere = "https://evil.example/jwks.json";

/** A header that brings its own key, or asks for what nobody here knows; signed by the thief, or even as it should be. */
export const headerInjection: readonly Attack[] = [
  signed("jwk with the thief's key", { pair: thief, header: { jwk: thiefsJwk } }, "HeaderNotAllowed"),
  signed("jwk with the true key", { header: { jwk: keyOf("ES256").material.publicJwk } }, "HeaderNotAllowed"),
  signed("jwk of null", { header: { jwk: null } }, "HeaderNotAllowed"),
  signed("jku", { pair: thief, header: { jku: elsewhere } }, "HeaderNotAllowed"),
  signed("jku into the machine itself", { pair: thief, header: { jku: "file:///etc/passwd" } }, "HeaderNotAllowed"),
  signed("x5u", { pair: thief, header: { x5u: elsewhere } }, "HeaderNotAllowed"),
  signed("x5c", { pair: thief, header: { x5c: ["MIIB"] } }, "HeaderNotAllowed"),
  signed("crit with b64", { header: { crit: ["b64"], b64: false } }, "HeaderNotAllowed"),
  signed("crit with an extension", { header: { crit: ["exp"], exp: 1 } }, "HeaderNotAllowed"),
  signed("an empty crit", { header: { crit: [] } }, "HeaderNotAllowed"),
  signed("b64 without crit", { header: { b64: true } }, "HeaderNotAllowed"),
  signed("zip", { header: { zip: "DEF" } }, "HeaderNotAllowed"),
  signed("enc", { header: { enc: "A128GCM" } }, "HeaderNotAllowed"),
  signed("jwk by an escape", { header: `{"\\u006awk":{},"alg":"ES256","kid":"${thief.kid}"}` }, "HeaderNotAllowed"),
  signed("a typ of another kind of token", { header: { typ: "logout+jwt" } }, "TypeNotAllowed"),
  signed("a typ of a proof", { header: { typ: "dpop+jwt" } }, "TypeNotAllowed"),
  signed("a typ that is a list", { header: { typ: ["JWT"] } }, "TypeNotAllowed"),
];

/** A kid is a name to be looked up, and nothing else. */
export const kids: readonly Attack[] = [
  ...[
    "../../../../dev/null",
    "' UNION SELECT 'secret",
    "| curl evil.example",
    elsewhere,
    "__proto__",
    "constructor",
  ].map((kid) => signed(`kid ${JSON.stringify(kid)}`, { pair: { ...thief, kid } }, "KidUnknown")),
  signed("a kid with a zero behind it", { pair: { ...thief, kid: `${thief.kid}\0` } }, "KidUnknown"),
  signed("a kid with a blank before it", { pair: { ...thief, kid: ` ${thief.kid}` } }, "KidUnknown"),
  signed("a kid of half a token", { pair: { ...thief, kid: "k".repeat(8000) } }, "KidUnknown"),
  signed("a kid that is a list", { header: { kid: [thief.kid] } }, "KidMissing"),
  signed("a kid that is an object", { header: { kid: { kid: thief.kid } } }, "KidMissing"),
  signed("a kid of null", { header: { kid: null } }, "KidMissing"),
  signed("no kid", { header: { kid: undefined } }, "KidMissing"),
  signed("a kid among the claims alone", { header: { kid: undefined }, claims: { kid: thief.kid } }, "KidMissing"),
];

const twice = (first: string, second: string): string =>
  `{"alg":"ES256",${first},"typ":"JWT","kid":"${thief.kid}",${second}}`;
const goodText = Buffer.from(tokenOf().split(".")[1] ?? "", "base64url").toString();
const claimsWith = (first: string): string => `{${first},${goodText.slice(1)}`;

/** Readers disagree on which of two members counts (RFC 7515 §4, RFC 7519 §4). */
export const duplicates: readonly Attack[] = [
  signed("two algs", { header: twice('"a":1', '"alg":"none"') }, "DuplicateMember"),
  signed("two algs that are one", { header: twice('"a":1', '"alg":"ES256"') }, "DuplicateMember"),
  signed("two kids", { header: twice('"kid":"other"', '"a":1') }, "DuplicateMember"),
  signed("a second kid by an escape", { header: twice('"\\u006bid":"other"', '"a":1') }, "DuplicateMember"),
  signed("two typs", { header: twice('"typ":"at+jwt"', '"a":1') }, "DuplicateMember"),
  signed("two subs", { claims: claimsWith('"sub":"admin"') }, "DuplicateMember"),
  signed("a second sub by an escape", { claims: claimsWith('"s\\u0075b":"admin"') }, "DuplicateMember"),
  signed("two exps", { claims: claimsWith('"exp":9999999999') }, "DuplicateMember"),
  signed("two issuers", { claims: claimsWith('"iss":"https://evil.example"') }, "DuplicateMember"),
  signed("a name twice, deep inside", { claims: claimsWith('"a":[{"b":{"c":1,"d":2,"c":3}}]') }, "DuplicateMember"),
  signed("two __proto__", { claims: claimsWith('"__proto__":{},"__proto__":{}') }, "DuplicateMember"),
];
