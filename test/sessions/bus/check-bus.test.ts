import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { expect, onTestFinished, test } from "vitest";
import { smallFiles } from "../../../src/files/small-files.ts";
import { checkBus } from "../../../src/sessions/bus/nats/check-bus.ts";
import type { BusOptions } from "../../../src/sessions/sessions-options.ts";
import { newAuthority } from "../../kube/support/certificates.ts";
import { block } from "./support/nats-operator.ts";

const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
const jwt = block("NATS USER JWT", "a.b.c");
const good = `${jwt}\n${block("USER NKEY SEED", seed)}`;
const ca = newAuthority("bus").cert;

const check = (options: Partial<BusOptions>, text?: string): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "keyturn-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "file");
  if (text !== undefined) writeFileSync(path, text);
  const files = Object.fromEntries(Object.keys(options).map((name) => [name, path]));
  const place = { servers: ["nats://127.0.0.1:4222"], prefix: "shop.sessions" };
  return checkBus({ ...place, ...("prefix" in options || "servers" in options ? options : files) }, smallFiles);
};

test("checkBus takes credentials that can sign, and a CA, without a server", async () => {
  await check({ credentialsFile: "" }, good);
  await check({ caFile: "" }, ca);
  await check({ prefix: "a.b-c" });
});

const credentialsFile = "";
const caFile = "";

test.each<{ what: string; options: Partial<BusOptions>; text?: string; code: string }>([
  { what: "an address with a password", options: { servers: ["nats://user:hunter2@127.0.0.1"] }, code: "BusUnusable" },
  { what: "a prefix that is no subject", options: { prefix: "a.*" }, code: "BusUnusable" },
  { what: "credentials that are not there", options: { credentialsFile }, code: "FileUnreadable" },
  { what: "half of the credentials", options: { credentialsFile }, text: good.slice(0, 40), code: "BusUnusable" },
  { what: "credentials without a seed", options: { credentialsFile }, text: jwt, code: "BusUnusable" },
  {
    what: "credentials whose seed is none",
    options: { credentialsFile },
    text: good.replace(seed, `SU${"A".repeat(56)}`),
    code: "BusUnusable",
  },
  { what: "a CA that is not there", options: { caFile }, code: "FileUnreadable" },
  { what: "a CA that is none", options: { caFile }, text: good, code: "FileUnfit" },
])("checkBus refuses $what, and tells nothing of it", async ({ options, text, code }) => {
  const error: unknown = await check(options, text).catch((one: unknown) => one);
  expect(error).toMatchObject({ code });
  expect(error).not.toHaveProperty("cause.message");
  expect(String(error)).not.toMatch(/hunter2|a\.b\.c/);
  expect(String(error)).not.toContain(seed.slice(0, 8));
});
