import { execFile } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as tick } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../hack/free-port.ts";
import { claimsOf } from "../issuer/api/support/world.ts";
import { newKey, type SigningKey, tokenOf } from "../issuer/support/tokens.ts";
import { mainProgram } from "./issuer/issuer-program.ts";
import { LineProcess } from "./support/line-process.ts";

/**
 * The switch from a program that signs with one key of its own: its tokens have neither a type nor an id, and live for longer than
 * ours. All of it by the program itself, on real time.
 */
const issuer = "https://issuer.example";
const oldKid = "the key of 2024";

let dir: string;
let program: LineProcess;
let old: SigningKey;
let gateway: string;
let mint: string;
/** Every answer to a token that had not ended, since the beginning. */
const answers: { readonly kid: string; readonly status: number }[] = [];

const run = (...args: readonly string[]) =>
  promisify(execFile)(process.execPath, [mainProgram, ...args, `--dir=${dir}/keys`]);

/** As the older program makes them: no more than it needs. */
const oldToken = (): string => {
  const iat = Math.floor(Date.now() / 1000);
  return tokenOf({ iss: issuer, aud: "api", sub: "alice", iat, exp: iat + 3600 }, old);
};

async function newToken(): Promise<string> {
  const answer = await fetch(`http://${mint}/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"sub":"alice"}',
  });
  return ((await answer.json()) as { readonly token: string }).token;
}

const kidOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()) as { readonly kid: string }).kid;

async function verdictOn(token: string): Promise<number> {
  const { status } = await fetch(`http://${gateway}/verify`, { headers: { authorization: `Bearer ${token}` } });
  return status;
}

async function use(token: string): Promise<void> {
  answers.push({ kid: kidOf(token), status: await verdictOn(token) });
}

async function published(): Promise<readonly string[]> {
  const jwks = JSON.parse(await readFile(join(dir, "keys/public/jwks.json"), "utf8")) as {
    readonly keys: readonly { readonly kid: string }[];
  };
  return jwks.keys.map(({ kid }) => kid);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "keyturn-adoption-"));
  old = newKey(oldKid);
  const signer = join(dir, "keys/signer");
  await mkdir(signer, { recursive: true, mode: 0o700 });
  const publicPem = createPublicKey(old.privateKey).export({ type: "spki", format: "pem" });
  await writeFile(join(signer, "signing.pem"), old.privateKey.export({ type: "pkcs8", format: "pem" }), {
    mode: 0o600,
  });
  await writeFile(join(signer, "public.pem"), publicPem);
  await writeFile(join(signer, "kid"), oldKid);
  const config = {
    apiVersion: "keyturn.dev/v1alpha1",
    kind: "JwtKeyRotation",
    metadata: { name: "adoption" },
    spec: {
      ...{ algorithm: "ES256", rotation: { interval: "0s" }, propagation: { minimum: "1s" } },
      tokens: { issuer, audiences: ["api"], maxTTL: "10m", clockSkew: "0s" },
      adoption: { maxTTL: "1h" },
    },
  };
  await writeFile(join(dir, "rotation.json"), JSON.stringify(config));
  gateway = `127.0.0.1:${await freePort()}`;
  mint = `127.0.0.1:${await freePort()}`;
  program = new LineProcess(process.execPath, [
    ...[mainProgram, "standalone", `--dir=${dir}/keys`, `--config=${dir}/rotation.json`],
    ...["--gateway", `--listen=${gateway}`, `--mint-listen=${mint}`, "--admin-listen=127.0.0.1:0"],
  ]);
  const first = oldToken();
  while ((await verdictOn(first).catch(() => 0)) !== 200) {
    if (!program.isRunning) throw new Error(`it has ended:\n${program.output.stderr}`);
    await tick(20);
  }
});

afterAll(async () => {
  await program.end("SIGTERM");
  await rm(dir, { recursive: true });
});

test("a switch from the older kind of tokens costs no valid token, and ends with the revocation of its key", async () => {
  const fromBefore = oldToken();
  // Both programs sign with one key: ours under the kid that the other one has
  const first = await newToken();
  expect([kidOf(first), await verdictOn(first)]).toEqual([oldKid, 200]);
  expect(await published()).toHaveLength(2);

  // The older program signs on while the key changes, and afterwards: whoever has one of its tokens notices nothing
  const rotating = run("rotate", "--wait", "--timeout=60s");
  let next = first;
  while (kidOf(next) === oldKid) {
    next = await newToken();
    for (const token of [fromBefore, first, oldToken(), next]) await use(token);
  }
  await rotating;
  for (const token of [fromBefore, first, oldToken(), next]) await use(token);
  const [signer] = await published();
  expect(kidOf(next)).toBe(signer);
  expect(signer).not.toBe(oldKid);
  expect(await published()).toContain(oldKid);
  expect(answers.length).toBeGreaterThan(10);
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(new Set(answers.map(({ kid }) => kid))).toEqual(new Set([oldKid, signer]));

  // Another key under the old name was never good
  expect(await verdictOn(tokenOf(claimsOf(fromBefore), newKey(oldKid)))).toBe(401);

  await run("revoke", oldKid, "--reason=the switch is over", "--wait", "--timeout=60s");
  // The gateway takes the ring on its own
  while ((await verdictOn(fromBefore)) === 200) await tick(20);
  for (const token of [fromBefore, first, oldToken()]) expect(await verdictOn(token)).toBe(401);
  expect(await verdictOn(next)).toBe(200);
  expect(await verdictOn(await newToken())).toBe(200);
  expect(await published()).not.toContain(oldKid);
});
