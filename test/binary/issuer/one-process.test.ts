import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as tick } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../../hack/free-port.ts";
import { basic, secret, specWith } from "../../issuer/api/support/world.ts";
import { fileWith } from "../../issuer/support/token-issuers.ts";
import { IssuerProgram, mainProgram } from "./issuer-program.ts";

let dir: string;
let program: IssuerProgram;
let gateway: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "keyturn-one-process-"));
  await writeFile(join(dir, "dashboard"), secret);
  await writeFile(join(dir, "issuer.json"), JSON.stringify(fileWith(specWith())));
  gateway = `127.0.0.1:${await freePort()}`;
  const rotation = ["--issuer=https://issuer.example", "--audience=api"];
  const here = ["--gateway", `--listen=${gateway}`, "--admin-listen=127.0.0.1:0"];
  program = await IssuerProgram.begin({
    args: ["standalone", `--dir=${dir}/keys`, ...rotation, ...here, `--token-issuer=${dir}/issuer.json`],
  });
});

afterAll(async () => {
  await program.end();
  await rm(dir, { recursive: true });
});

const post = (path: string, fields: Readonly<Record<string, string>>): Promise<Response> =>
  fetch(`${program.address}${path}`, {
    method: "POST",
    headers: { authorization: basic() },
    body: new URLSearchParams(fields),
  });

async function newToken(): Promise<string> {
  const answer = await post("/oauth2/token", { grant_type: "client_credentials" });
  return ((await answer.json()) as { access_token: string }).access_token;
}

async function verdictOn(token: string): Promise<number> {
  const { status } = await fetch(`http://${gateway}/verify`, { headers: { authorization: `Bearer ${token}` } });
  return status;
}

/** It takes the ring on its own. */
async function accepted(token: string): Promise<void> {
  while ((await verdictOn(token)) !== 200) await tick(20);
}

test("the gateway beside the issuer refuses in the same tick what that has revoked", async () => {
  const token = await newToken();
  await accepted(token);
  expect((await post("/oauth2/revoke", { token })).status).toBe(200);
  expect(await verdictOn(token)).toBe(401);
});

test("the gateway beside the issuer hears what a command has revoked", async () => {
  const token = await newToken();
  await accepted(token);
  const revoke = [mainProgram, "grants", "revoke", "--subject=dashboard", `--dir=${dir}/keys`];
  await promisify(execFile)(process.execPath, revoke);
  while ((await verdictOn(token)) === 200) await tick(20);
  expect(await verdictOn(token)).toBe(401);
});
