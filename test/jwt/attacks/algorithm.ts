import { createHmac, createPublicKey, sign } from "node:crypto";
import { pairOf, type Pair } from "../../support/keys.ts";
import { base64url, goodClaims, keyOf, privateKeyOf, signatureOf, tokenOf } from "../support/world.ts";
import { attack, signed, type Attack } from "./attack.ts";

const [ec, rsa, ed] = [keyOf("ES256"), keyOf("RS256"), keyOf("EdDSA")];

/** What an attacker knows of a key, in the forms in which libraries have mistaken it for an HMAC secret. */
const publicForms = ({ material }: Pair): readonly (readonly [string, Buffer])[] => {
  const key = createPublicKey({ key: material.publicJwk, format: "jwk" });
  return [
    ["PEM", Buffer.from(key.export({ type: "spki", format: "pem" }))],
    ["DER", key.export({ type: "spki", format: "der" })],
    ["JWK", Buffer.from(JSON.stringify(material.publicJwk))],
  ];
};

/** CVE-2015-9235 and its many heirs: the public key taken for a shared secret. */
const hmac = ([rsa, ec, ed] as const).flatMap((pair) =>
  publicForms(pair).map(([form, secret]) =>
    signed(
      `HS256 with the public ${pair.algorithm} key as ${form}`,
      {
        pair,
        header: { alg: "HS256" },
        signature: (input) => createHmac("sha256", secret).update(input).digest(),
      },
      "AlgorithmMismatch",
    ),
  ),
);

const emptyHmac = (input: string): Buffer => createHmac("sha256", "").update(input).digest();

export const algorithmConfusion: readonly Attack[] = [
  ...hmac,
  signed("HS512 with an empty secret", { header: { alg: "HS512" }, signature: emptyHmac }, "AlgorithmMismatch"),
  signed("HMAC under the key's own alg", { signature: emptyHmac }, "SignatureInvalid"),
  signed("PS256 by a key whose profile is RS256", { pair: { ...rsa, algorithm: "PS256" } }, "AlgorithmMismatch"),
  signed("RS512 by a key whose profile is RS256", { pair: { ...rsa, algorithm: "RS512" } }, "AlgorithmMismatch"),
  signed(
    "RS256 by a key whose profile is PS256",
    { pair: { ...keyOf("PS256"), algorithm: "RS256" } },
    "AlgorithmMismatch",
  ),
  signed(
    "a PS256 signature under alg RS256",
    { pair: rsa, signature: (input) => signatureOf({ ...rsa, algorithm: "PS256" }, input) },
    "SignatureInvalid",
  ),
  signed(
    "an RS256 signature under alg PS256",
    { pair: keyOf("PS256"), signature: (input) => signatureOf({ ...keyOf("PS256"), algorithm: "RS256" }, input) },
    "SignatureInvalid",
  ),
  signed(
    "RSA with another hash than alg says",
    { pair: rsa, signature: (input) => sign("sha1", Buffer.from(input), privateKeyOf(rsa)) },
    "SignatureInvalid",
  ),
  signed(
    "ECDSA with another hash than alg says",
    {
      signature: (input) => sign("sha512", Buffer.from(input), { key: privateKeyOf(ec), dsaEncoding: "ieee-p1363" }),
    },
    "SignatureInvalid",
  ),
  signed("alg in another case", { header: { alg: "Es256" } }, "AlgorithmMismatch"),
  signed("alg with a blank", { header: { alg: "ES256 " } }, "AlgorithmMismatch"),
  signed("alg as a list", { header: { alg: ["ES256"] } }, "AlgorithmMismatch"),
  signed("alg as an object that prints itself", { header: { alg: { toString: "ES256" } } }, "AlgorithmMismatch"),
  signed("alg of null", { header: { alg: null } }, "AlgorithmMismatch"),
  signed("alg of another curve", { pair: ed, header: { alg: "Ed448" } }, "AlgorithmMismatch"),
  signed("Ed25519 with the kid of a P-256 key", { header: { alg: "Ed25519" } }, "AlgorithmMismatch"),
  signed("ES256K", { header: { alg: "ES256K" } }, "AlgorithmMismatch"),
];

const withoutSignature = (alg: unknown): string =>
  `${base64url(JSON.stringify({ alg, typ: "JWT", kid: ec.kid }))}.${base64url(JSON.stringify(goodClaims))}.`;

/** RFC 7518 §3.6: an unsecured JWS; RFC 8725 §3.2 wants it refused. */
export const none: readonly Attack[] = [
  ...["none", "None", "NONE", "nOnE", "none ", "", "null"].map((alg) =>
    attack(`alg ${JSON.stringify(alg)} without a signature`, withoutSignature(alg), "AlgorithmMismatch"),
  ),
  attack("no signature under the key's own alg", withoutSignature("ES256"), "SignatureInvalid"),
  signed("alg none with a true signature", { header: { alg: "none" } }, "AlgorithmMismatch"),
  attack("two parts alone", tokenOf().split(".").slice(0, 2).join("."), "Malformed"),
];

/** A signature of a key that is not the kid's. */
export const wrongKey: readonly Attack[] = [
  signed("another P-256 key", { signature: (input) => signatureOf(pairOf("ES256", 3), input) }, "SignatureInvalid"),
  signed("the standby under the signer's kid", { pair: { ...pairOf("ES256", 1), kid: ec.kid } }, "SignatureInvalid"),
  signed("P-384 with SHA-384", { signature: (input) => signatureOf(keyOf("ES384"), input) }, "SignatureInvalid"),
  signed("P-521 with SHA-512", { signature: (input) => signatureOf(keyOf("ES512"), input) }, "SignatureInvalid"),
  signed("ES384 with the kid of a P-256 key", { pair: { ...keyOf("ES384"), kid: ec.kid } }, "AlgorithmMismatch"),
  signed(
    "Ed25519 under ES256: as long, and no ECDSA",
    { signature: (input) => signatureOf(ed, input) },
    "SignatureInvalid",
  ),
  signed("ES256 under EdDSA", { pair: ed, signature: (input) => signatureOf(ec, input) }, "SignatureInvalid"),
  signed(
    "RSA of another modulus",
    { pair: rsa, signature: (input) => signatureOf(pairOf("RS256", 5), input) },
    "SignatureInvalid",
  ),
];
