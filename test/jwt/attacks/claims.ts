import { tokenDepthLimit, tokenLimit } from "../../../src/jwt/reasons.ts";
import { policy } from "../../support/story.ts";
import { goodClaims, maxTTL, now, skew, tokenOf } from "../support/world.ts";
import { altered, attack, signed, type Attack } from "./attack.ts";

const text = JSON.stringify(goodClaims);

/** Signed by the key itself: a minter that was talked into it, or another use of the same key. */
export const claimTypes: readonly Attack[] = [
  signed("exp as text", { claims: { exp: String(now + 600) } }, "ClaimInvalid"),
  signed("exp as a list", { claims: { exp: [now + 600] } }, "ClaimInvalid"),
  signed("exp of true", { claims: { exp: true } }, "ClaimInvalid"),
  signed("exp of null", { claims: { exp: null } }, "ClaimInvalid"),
  signed("an infinite exp", { claims: text.replace(/"exp":\d+/, '"exp":1e999') }, "ClaimInvalid"),
  signed("no exp", { claims: { exp: undefined } }, "ClaimMissing"),
  signed(
    "exp in the prototype",
    { claims: `{"__proto__":{"exp":${now + 600}},${text.replace(/"exp":\d+,/, "").slice(1)}` },
    "ClaimMissing",
  ),
  signed("iat as text", { claims: { iat: String(now) } }, "ClaimInvalid"),
  signed("nbf as text", { claims: { nbf: "0" } }, "ClaimInvalid"),
  signed("nbf of null", { claims: { nbf: null } }, "ClaimInvalid"),
  signed("sub as an object", { claims: { sub: { $ne: null } } }, "ClaimInvalid"),
  signed("sub as a list", { claims: { sub: ["admin"] } }, "ClaimInvalid"),
  signed("sub as a number", { claims: { sub: 0 } }, "ClaimInvalid"),
  signed("jti as a number", { claims: { jti: 1 } }, "ClaimInvalid"),
  signed("aud as an object", { claims: { aud: { 0: "api", length: 1 } } }, "ClaimInvalid"),
  signed("aud with an object among texts", { claims: { aud: ["api", { toString: "api" }] } }, "ClaimInvalid"),
  signed("aud in a list in a list", { claims: { aud: [["api"]] } }, "ClaimInvalid"),
  signed("aud as one text with a comma", { claims: { aud: "api,admin" } }, "AudienceMismatch"),
  signed("aud in another case", { claims: { aud: "API" } }, "AudienceMismatch"),
  signed("aud that only begins so", { claims: { aud: "api.evil.example" } }, "AudienceMismatch"),
  signed("iss as a list", { claims: { iss: [policy.profile.issuer] } }, "IssuerMismatch"),
  signed("iss that only begins so", { claims: { iss: `${policy.profile.issuer}.evil.example` } }, "IssuerMismatch"),
  signed("iss with a zero behind it", { claims: { iss: `${policy.profile.issuer}\0` } }, "IssuerMismatch"),
  signed("claims that are a list", { claims: `[${text}]` }, "Malformed"),
  signed("claims that are a text", { claims: JSON.stringify(text) }, "Malformed"),
  signed("claims of null", { claims: "null" }, "Malformed"),
  signed("a token as claims", { claims: tokenOf() }, "Malformed"),
  signed("no UTF-8", { claims: Buffer.from(text.replace("alice", "al\u00efce"), "latin1") }, "Malformed"),
  signed("a byte order mark", { claims: `\ufeff${text}` }, "Malformed"),
  signed("a comment", { claims: `${text.slice(0, -1)}/**/}` }, "Malformed"),
  signed("something behind the claims", { claims: `${text}{}` }, "Malformed"),
];

const lists = (levels: number): unknown => (levels === 0 ? 0 : [lists(levels - 1)]);
const nested = (open: string, close: string, levels: number): string =>
  `{"a":${open.repeat(levels)}0${close.repeat(levels)},${text.slice(1)}`;

export const hugeAndDeep: readonly Attack[] = [
  signed("one level too deep", { claims: nested("[", "]", tokenDepthLimit) }, "TooDeep"),
  signed("thousands of lists in each other", { claims: nested("[", "]", 5000) }, "TooDeep"),
  signed("a thousand objects in each other", { claims: nested('{"a":', "}", 1000) }, "TooDeep"),
  signed("a header of a thousand lists in each other", { header: { a: lists(1000) } }, "TooDeep"),
  signed("lists that never end", { claims: `{"a":${"[".repeat(9000)}` }, "Malformed"),
  signed("a claim that is too long", { claims: { pad: "x".repeat(tokenLimit) } }, "TooLarge"),
  signed(
    "thousands of claims",
    { claims: Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`c${i}`, i])) },
    "TooLarge",
  ),
  attack(
    "a signature that never ends",
    altered(tokenOf(), 2, (part) => part + "A".repeat(tokenLimit)),
    "TooLarge",
  ),
  attack("a million dots", ".".repeat(1_000_000), "TooLarge"),
  attack("as many dots as there is room for", ".".repeat(tokenLimit), "Malformed"),
];

export const timeEdges: readonly Attack[] = [
  signed("expired this instant, skew included", { claims: { iat: now - 900, exp: now - skew } }, "Expired"),
  signed("expired long ago", { claims: { iat: 0, exp: 1 } }, "Expired"),
  signed("expires before it was issued", { claims: { iat: now, exp: now - 900 } }, "Expired"),
  signed("exp below zero", { claims: { exp: -1 } }, "Expired"),
  signed("exp in milliseconds", { claims: { exp: (now + 600) * 1000 } }, "LifetimeTooLong"),
  signed("exp in the year 9999", { claims: { exp: 253402300799 } }, "LifetimeTooLong"),
  signed("exp beyond all numbers of instants", { claims: { exp: 1e300 } }, "LifetimeTooLong"),
  signed("a second longer than its key allows", { claims: { exp: now + maxTTL + 1 } }, "LifetimeTooLong"),
  signed(
    "without iat a second more to live than its key allows, skew included",
    { claims: { iat: undefined, exp: now + maxTTL + skew + 1 } },
    "LifetimeTooLong",
  ),
  signed("iat in the past, to live on", { claims: { iat: -1e300 } }, "LifetimeTooLong"),
  signed("iat just in the future", { claims: { iat: now + skew + 1 } }, "IssuedInFuture"),
  signed("nbf just in the future", { claims: { nbf: now + skew + 1 } }, "NotYetValid"),
  signed("nbf in the year 9999", { claims: { nbf: 253402300799 } }, "NotYetValid"),
];
