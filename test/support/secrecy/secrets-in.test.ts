import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { formatRefreshToken } from "../../../src/grants/refresh-token.ts";
import { tempDir } from "../../files/temp.ts";
import { secretsIn } from "./secrets-in.ts";
import { mustHaveFoundNothing, programOf } from "./watch-programs.ts";
import { lookThrough } from "./written-files.ts";

const refreshToken = formatRefreshToken({
  grantId: randomBytes(16),
  generation: 3,
  secret: randomBytes(32),
  mark: randomBytes(16),
});
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
const jwk = JSON.stringify(privateKey.export({ format: "jwk" }));
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const unsigned = `${part({ alg: "ES256", kid: "a" })}.${part({ sub: "billing" })}`;
const signed = `${unsigned}.${randomBytes(64).toString("base64url")}`;

describe("secretsIn", () => {
  test.each([
    ["refresh token", refreshToken],
    ["signed token", signed],
    ["private key", pem],
    ["private key", jwk],
    ["private key", JSON.stringify({ text: jwk })],
    ["private key", Buffer.from(pem).toString("base64")],
  ])("finds a %s", (kind, text) => {
    expect(secretsIn(`{"msg":"x ${text} y"}`)).toEqual([expect.objectContaining({ kind })]);
  });

  test.each([
    ["a refresh token with another checksum", refreshToken.replace(/.$/, (last) => (last === "0" ? "1" : "0"))],
    ["a token without its signature", unsigned],
    ["a public key", JSON.stringify({ kty: "EC", x: "a".repeat(43), y: "b".repeat(43) })],
  ])("passes over %s", (_, text) => {
    expect(secretsIn(text)).toEqual([]);
  });
});

test("lookThrough finds a token in the rows of a database and anywhere but where keys and pairs are kept", async () => {
  const dir = await tempDir();
  for (const name of ["ring", "identities"]) await mkdir(join(dir, name));
  await writeFile(join(dir, "ring/keyring.1.json"), jwk);
  await writeFile(join(dir, "identities/a.json"), refreshToken + signed);
  expect(lookThrough(dir)).toMatchObject({ files: 2, findings: [] });
  await writeFile(join(dir, "grants.db"), Buffer.concat([Buffer.of(0, 255), Buffer.from(refreshToken), Buffer.of(0)]));
  await writeFile(join(dir, "ring/keyring.2.json"), signed);
  expect(lookThrough(dir).findings).toEqual(["grants.db: refresh token", "ring/keyring.2.json: signed token"]);
  expect(lookThrough(join(dir, "grants.db")).findings).toEqual(["grants.db: refresh token"]);
});

test("watchPrograms sees what a program says in two pieces, also where nobody reads it", async () => {
  const dir = await tempDir();
  await mkdir(join(dir, "cli"));
  const main = join(dir, "cli/main.js");
  await writeFile(
    main,
    `process.stderr.write(${JSON.stringify(signed.slice(0, 80))}, () => process.stderr.write(${JSON.stringify(signed.slice(80))}));`,
  );
  await writeFile(join(dir, "audit.log"), refreshToken);
  const child = spawn(process.execPath, [main, "gateway", "--dir", dir]);
  child.stderr.resume();
  await once(child, "close");
  expect(mustHaveFoundNothing).toThrow(
    "Secrets stand where nobody may write them:\nkeyturn gateway, standard error: signed token\nkeyturn gateway, audit.log: refresh token",
  );
  expect(mustHaveFoundNothing).not.toThrow();
});

test.each([
  [
    ["node", "/x/dist/cli/main.js", "token", "mint", "-d", "/d"],
    ["keyturn token", true, ["/d"]],
  ],
  [
    ["node", "--flag", "/x/keyturn.cjs", "issuer", "--store=sqlite:/g.db"],
    ["keyturn issuer", false, ["/g.db"]],
  ],
  [
    ["/x/bin/postgres", "-D", "/data"],
    ["postgres", false, ["/data"]],
  ],
  [["node", "/x/other.js", "--dir", "/d"], undefined],
])("programOf %j", (args, wanted) => {
  const program = programOf(args);
  expect(program && [program.name, program.printsTokens, program.writesTo]).toEqual(wanted);
});
