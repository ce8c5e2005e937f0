import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A certificate and its key, PEM. */
interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Makes CAs for tests: X.509 v3 by hand (RFC 5280 §4.1), since Node.js reads certificates but makes none. */
export interface Authority extends Identity {
  issue(commonName: string): Identity;
}

function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const length = body.length;
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), body]);
  const bytes = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...bytes]), body]);
}

const sequence = (...content: readonly Buffer[]): Buffer => der(0x30, ...content);
const octets = (...content: readonly Buffer[]): Buffer => der(0x04, ...content);
const bits = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content);
const truth = der(0x01, Buffer.from([255]));

/** Object identifiers, already encoded: those that are needed, and no encoder. */
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
const time = (text: string): Buffer => der(0x18, Buffer.from(text));
const name = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(commonName)))));

const basicConstraints = (isAuthority: boolean): Buffer =>
  sequence(oid("551d13"), truth, octets(sequence(...(isAuthority ? [truth] : []))));

/** localhost and 127.0.0.1 */
const alternativeNames = sequence(
  oid("551d11"),
  octets(sequence(der(0x82, Buffer.from("localhost")), der(0x87, Buffer.from([127, 0, 0, 1])))),
);

let serial = 0;

function certificate(subject: { name: string; key: KeyObject }, issuer: { name: string; key: KeyObject }): string {
  const isAuthority = subject.key === issuer.key;
  serial += 1;
  const facts = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1, serial])),
    ecdsaWithSha256,
    name(issuer.name),
    sequence(time("20200101000000Z"), time("21200101000000Z")),
    name(subject.name),
    createPublicKey(subject.key).export({ type: "spki", format: "der" }),
    der(0xa3, sequence(basicConstraints(isAuthority), alternativeNames)),
  );
  const whole = sequence(facts, ecdsaWithSha256, bits(sign("sha256", facts, issuer.key)));
  const lines = whole.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

const newKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const pem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();

export function newAuthority(commonName: string): Authority {
  const key = newKey();
  const issuer = { name: commonName, key };
  return {
    cert: certificate(issuer, issuer),
    key: pem(key),
    issue(subject) {
      const own = newKey();
      return { cert: certificate({ name: subject, key: own }, issuer), key: pem(own) };
    },
  };
}
