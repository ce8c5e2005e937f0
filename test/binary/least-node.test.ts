import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ensureLeastNode } from "../../hack/least-node.ts";
import { mainProgram } from "./issuer/issuer-program.ts";

let leastNode: string;
beforeAll(async () => {
  leastNode = await ensureLeastNode(() => undefined);
}, 300_000);

const pem = (name: string, der: Buffer): string =>
  `-----BEGIN ${name}-----\n${der.toString("base64")}\n-----END ${name}-----\n`;

const ed25519 = generateKeyPairSync("ed25519").privateKey;

/** With the public half behind it, as libraries in Rust and Java write it (RFC 5958 §2, RFC 8410 §7). */
function version2(key: KeyObject): string {
  const one = key.export({ format: "der", type: "pkcs8" });
  const bits = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  const content = Buffer.concat([Buffer.of(2, 1, 1), one.subarray(5), Buffer.of(0x81, 0x21, 0), bits]);
  return pem("PRIVATE KEY", Buffer.concat([Buffer.of(0x30, content.length), content]));
}

function keys(): readonly string[] {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const curves = ["P-256", "P-384", "P-521"].map((namedCurve) => generateKeyPairSync("ec", { namedCurve }).privateKey);
  return [
    ...[rsa, ed25519, ...curves].map((key) => key.export({ format: "pem", type: "pkcs8" })),
    ...curves.map((key) => key.export({ format: "pem", type: "sec1" })),
    rsa.export({ format: "pem", type: "pkcs1" }),
    version2(ed25519),
  ].map(String);
}

test("the oldest Node.js that is allowed reads every kind of key as this one does", () => {
  const program = join(import.meta.dirname, "least-node/material.ts");
  const input = JSON.stringify(keys());
  const readBy = (node: string): readonly (readonly string[])[] =>
    JSON.parse(execFileSync(node, [program], { input, encoding: "utf8" })) as readonly (readonly string[])[];
  const [least, here] = [readBy(leastNode), readBy(process.execPath)];
  expect(least).toEqual(here);
  // Each is a key, and version 2 is the same one
  expect(here.every(({ length }) => length === 2)).toBe(true);
  expect(here.at(-1)).toEqual(here[1]);
});

test("it runs the program", () => {
  const version = execFileSync(leastNode, ["--version"], { encoding: "utf8" }).trim();
  expect(version).toMatch(/^v22\.18\./);
  expect(execFileSync(leastNode, [mainProgram, "version"], { encoding: "utf8" })).toContain(version);
});
