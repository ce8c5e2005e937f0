// Reads the private keys of a JSON list of PEM texts as Keyturn does, and prints what it makes of each.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readPrivatePem } from "../../../src/crypto/pem.ts";
import { thumbprint } from "../../../src/crypto/thumbprint.ts";

const source = { code: "KeyUnusable", action: "Cannot read", file: "key" };
const texts = JSON.parse(readFileSync(0, "utf8")) as readonly string[];
const found = texts.map((text) => {
  try {
    const { publicJwk, privateJwk } = readPrivatePem(text, source);
    const secret = createHash("sha256").update(JSON.stringify(privateJwk)).digest("hex");
    return [thumbprint(publicJwk), secret];
  } catch (error) {
    return [error instanceof Error ? error.message : "no error"];
  }
});
process.stdout.write(JSON.stringify(found));
