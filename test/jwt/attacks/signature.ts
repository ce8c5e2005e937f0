import { sign } from "node:crypto";
import { privateKeyOf } from "../support/world.ts";
import { constants } from "node:crypto";
import { base64url, keyOf, tokenOf } from "../support/world.ts";
import { altered, attack, resigned, signed, type Attack } from "./attack.ts";

const [ec, rsa, ed, pss] = [keyOf("ES256"), keyOf("RS256"), keyOf("EdDSA"), keyOf("PS256")];
const [ecToken, rsaToken, edToken, p521Token] = [ec, rsa, ed, keyOf("ES512")].map((pair) => tokenOf({ pair }));

/** The order of the Ed25519 group (RFC 8032 §5.1), least byte first when added to S. */
const ed25519Order = 2n ** 252n + 27742317777372353535851937790883648493n;
/** The order of P-256 (SEC 2 §2.4.2). */
const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`);
const bytesOf = (number: bigint, length: number): Buffer =>
  Buffer.from(number.toString(16).padStart(2 * length, "0"), "hex");
const reversed = (bytes: Buffer): Buffer => Buffer.from(bytes).reverse();

/** S + n × order: the same signature to a verifier that does not look at S's size. */
const biggerS = (times: bigint) => (signature: Buffer) => {
  const s = numberOf(reversed(signature.subarray(32))) + times * ed25519Order;
  return Buffer.concat([signature.subarray(0, 32), reversed(bytesOf(s, 32))]);
};

const halves = (signature: Buffer): readonly [Buffer, Buffer] => [signature.subarray(0, 32), signature.subarray(32)];
const plusOrder = (half: Buffer): Buffer => bytesOf((numberOf(half) + p256Order) % 2n ** 256n, 32);

/** OpenSSL's own form, which libraries have taken for a JWS signature. */
const derSignature = (input: string): Buffer => sign("sha256", Buffer.from(input), privateKeyOf(ec));
const pssWith = (saltLength: number) => (input: string) =>
  sign("sha256", Buffer.from(input), { key: privateKeyOf(pss), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });

const flipped = (at: number) => (signature: Buffer) => {
  const copy = Buffer.from(signature);
  copy[at] = (copy[at] ?? 0) ^ 0x80;
  return copy;
};
const zero = Buffer.alloc(1);

/** Another text for a signature that was good (RFC 7515 §10.13 and §10.14 in spirit: one token, one text). */
export const malleability: readonly Attack[] = [
  attack("Ed25519: S plus the order", resigned(edToken ?? "", biggerS(1n)), "SignatureInvalid"),
  attack("Ed25519: S plus eight times the order", resigned(edToken ?? "", biggerS(8n)), "SignatureInvalid"),
  attack("Ed25519: the first bit of S", resigned(edToken ?? "", flipped(63)), "SignatureInvalid"),
  attack("Ed25519: the sign of R", resigned(edToken ?? "", flipped(31)), "SignatureInvalid"),
  attack(
    "Ed25519: a byte more",
    resigned(edToken ?? "", (s) => Buffer.concat([s, zero])),
    "SignatureInvalid",
  ),
  attack(
    "Ed25519: all zero",
    resigned(edToken ?? "", () => Buffer.alloc(64)),
    "SignatureInvalid",
  ),
  signed("ES256: as DER", { signature: derSignature }, "SignatureInvalid"),
  attack(
    "ES256: a zero before R",
    resigned(ecToken ?? "", (s) => Buffer.concat([zero, s])),
    "SignatureInvalid",
  ),
  attack(
    "ES256: a zero before R and one before S",
    resigned(ecToken ?? "", (s) => Buffer.concat([zero, halves(s)[0], zero, halves(s)[1]])),
    "SignatureInvalid",
  ),
  attack(
    "ES256: a byte fewer",
    resigned(ecToken ?? "", (s) => s.subarray(0, 63)),
    "SignatureInvalid",
  ),
  attack(
    "ES256: R and S exchanged",
    resigned(ecToken ?? "", (s) => Buffer.concat([s.subarray(32), s.subarray(0, 32)])),
    "SignatureInvalid",
  ),
  attack(
    "ES256: S plus the order",
    resigned(ecToken ?? "", (s) => Buffer.concat([halves(s)[0], plusOrder(halves(s)[1])])),
    "SignatureInvalid",
  ),
  attack(
    "ES512: a byte fewer",
    resigned(p521Token ?? "", (s) => s.subarray(1)),
    "SignatureInvalid",
  ),
  attack(
    "RS256: a zero before it",
    resigned(rsaToken ?? "", (s) => Buffer.concat([zero, s])),
    "SignatureInvalid",
  ),
  attack(
    "RS256: a byte fewer",
    resigned(rsaToken ?? "", (s) => s.subarray(1)),
    "SignatureInvalid",
  ),
  attack(
    "RS256: all zero",
    resigned(rsaToken ?? "", (s) => Buffer.alloc(s.length)),
    "SignatureInvalid",
  ),
  attack(
    "RS256: one",
    resigned(rsaToken ?? "", (s) => bytesOf(1n, s.length)),
    "SignatureInvalid",
  ),
  attack(
    "RS256: more than any modulus",
    resigned(rsaToken ?? "", (s) => Buffer.alloc(s.length, 0xff)),
    "SignatureInvalid",
  ),
  signed("PS256: no salt", { pair: pss, signature: pssWith(0) }, "SignatureInvalid"),
  signed("PS256: a salt of another length", { pair: pss, signature: pssWith(31) }, "SignatureInvalid"),
  signed("PS256: as much salt as there is room for", { pair: pss, signature: pssWith(222) }, "SignatureInvalid"),
];

const ofNumbers = (r: bigint, s: bigint) => () => Buffer.concat([bytesOf(r, 32), bytesOf(s, 32)]);

/** CVE-2022-21449 and what lies near it: R and S must be from 1 to the order less 1. */
export const ecdsaNumbers: readonly Attack[] = [
  signed("R and S zero", { signature: ofNumbers(0n, 0n) }, "SignatureInvalid"),
  signed("R zero", { signature: ofNumbers(0n, 1n) }, "SignatureInvalid"),
  signed("S zero", { signature: ofNumbers(1n, 0n) }, "SignatureInvalid"),
  signed("R and S one", { signature: ofNumbers(1n, 1n) }, "SignatureInvalid"),
  signed("R and S the order", { signature: ofNumbers(p256Order, p256Order) }, "SignatureInvalid"),
  signed("R the order", { signature: ofNumbers(p256Order, 1n) }, "SignatureInvalid"),
  signed("R and S as large as can be", { signature: () => Buffer.alloc(64, 0xff) }, "SignatureInvalid"),
  signed("P-384, all zero", { pair: keyOf("ES384"), signature: () => Buffer.alloc(96) }, "SignatureInvalid"),
  signed("P-521, all zero", { pair: keyOf("ES512"), signature: () => Buffer.alloc(132) }, "SignatureInvalid"),
];

/** The last character with its unused bits set: decoders that don't look give the same bytes (RFC 4648 §3.5). */
const trailing = (text: string): string => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return text.slice(0, -1) + (alphabet[alphabet.indexOf(text.at(-1) ?? "") + 1] ?? "");
};
/** Claims whose base64url has unused bits. */
const ragged = [{}, { a: "" }, { a: "1" }]
  .map((claims) => tokenOf({ claims }))
  .find((token) => (token.split(".")[1] ?? "").length % 4 !== 0);

export const base64urls: readonly Attack[] = [
  attack("unused bits in the signature", altered(ecToken ?? "", 2, trailing), "Malformed"),
  attack("unused bits in the claims", altered(ragged ?? "", 1, trailing), "Malformed"),
  attack("padding behind the signature", `${ecToken ?? ""}==`, "Malformed"),
  attack(
    "padding behind the claims",
    altered(ragged ?? "", 1, (text) => `${text}=`),
    "Malformed",
  ),
  attack(
    "padding behind the header",
    altered(ecToken ?? "", 0, (text) => `${text}=`),
    "Malformed",
  ),
  attack(
    "the standard alphabet",
    altered(edToken ?? "", 2, (text) => `+/${text.slice(2)}`),
    "Malformed",
  ),
  attack("a blank before it", ` ${ecToken ?? ""}`, "Malformed"),
  attack("a line end behind it", `${ecToken ?? ""}\n`, "Malformed"),
  attack(
    "a line end within the claims",
    altered(ecToken ?? "", 1, (text) => `${text.slice(0, 9)}\n${text.slice(9)}`),
    "Malformed",
  ),
  attack("a zero character behind it", `${ecToken ?? ""}\0`, "Malformed"),
  attack(
    "a character of two bytes whose second one is right",
    altered(ecToken ?? "", 1, (text) => `${String.fromCharCode(0x100 + text.charCodeAt(0))}${text.slice(1)}`),
    "Malformed",
  ),
  attack(
    "a full-width letter",
    altered(ecToken ?? "", 2, (text) => `${text.slice(0, -1)}Ａ`),
    "Malformed",
  ),
  attack("a fourth part", `${ecToken ?? ""}.${base64url("{}")}`, "Malformed"),
  attack("five parts, as of a JWE", `${ecToken ?? ""}.AA.AA`, "Malformed"),
  attack("a part of 1 mod 4 characters", `${ecToken ?? ""}AAA`, "Malformed"),
  attack(
    "no claims",
    altered(ecToken ?? "", 1, () => ""),
    "SignatureInvalid",
  ),
  attack(
    "JSON instead of base64url",
    altered(ecToken ?? "", 0, () => '{"alg":"ES256"}'),
    "Malformed",
  ),
];
