// An application that signs: node app.ts <signer directory> <ms between tokens>. A token a line, until its input ends.
// It knows nothing of Keyturn but the files behind ..data: private-jwks.json has the signer first.
import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { importJWK, SignJWT, type JWK } from "jose";
import { demo } from "./times.ts";

const [dir = "", everyMs = "20"] = process.argv.slice(2);

async function load(version: string) {
  // The file of a program that this application trusts with its keys
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  const { keys } = JSON.parse(readFileSync(join(dir, version, "private-jwks.json"), "utf8")) as { keys: JWK[] };
  const [signer] = keys;
  if (!signer?.alg || !signer.kid) throw new Error("Cannot sign: private-jwks.json must begin with the signer");
  return { version, header: { alg: signer.alg, kid: signer.kid }, key: await importJWK(signer) };
}

let signing = await load(readlinkSync(join(dir, "..data")));

async function mint(): Promise<void> {
  const version = readlinkSync(join(dir, "..data"));
  if (version !== signing.version) signing = await load(version);
  const token = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader(signing.header)
    .setIssuer(demo.issuer)
    .setAudience(demo.audience)
    .setIssuedAt()
    .setExpirationTime(`${demo.maxTTLSeconds}s`)
    .sign(signing.key);
  process.stdout.write(`${token}\n`);
}

setInterval(() => void mint(), Number(everyMs));
process.stdin.resume().on("end", () => process.exit());
