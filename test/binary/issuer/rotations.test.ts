import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as tick } from "node:timers/promises";
import { promisify } from "node:util";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { basic, secret, specWith } from "../../issuer/api/support/world.ts";
import { fileWith } from "../../issuer/support/token-issuers.ts";
import { save } from "../support/keyturn.ts";
import { RingWatch } from "../support/ring-watch.ts";
import { CachedJwks } from "./cached-jwks.ts";
import { IssuerProgram, mainProgram, shutIn } from "./issuer-program.ts";
import { RenewingClient } from "./renewing-client.ts";

const clientsWanted = 8;
const rotationsWanted = 10;
/** Before `exp`, in milliseconds: as late as somebody on a busy machine can still ask. */
const lastMomentMs = 250;

/** The shortest times that the rules allow for tokens of 4 s and caches of 1 s. */
const rotationEvery = (interval: string): string => `apiVersion: keyturn.dev/v1alpha1
kind: JwtKeyRotation
metadata: { name: issuer-test }
spec:
  rotation: { interval: ${interval} }
  propagation: { minimum: 1s }
  tokens: { issuer: "https://issuer.example", audiences: [api], maxTTL: 4s, clockSkew: 0s }
  rotationWindow: 4s
`;

const closing: (() => unknown)[] = [];
let folder: string;
let program: IssuerProgram;
let watch: RingWatch;
let jwks: CachedJwks;
let clients: readonly RenewingClient[];
const kids = new Set<string>();
/** What must never be: who was refused, and why. */
const refused: string[] = [];
const verified = { atOnce: 0, nearTheEnd: 0, late: 0 };
const open = new Set<Promise<void>>();
let condemned: string | undefined;

const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? "";

/** Every token is shown when it is new, and just before its end. */
function present(token: string): void {
  kids.add(kidOf(token));
  const leftMs = (decodeJwt(token).exp ?? 0) * 1000 - Date.now() - lastMomentMs;
  const work = Promise.all([
    judge(token).then(() => verified.atOnce++),
    tick(Math.max(0, leftMs)).then(() => judge(token)),
  ]).then(() => void open.delete(work));
  open.add(work);
}

async function judge(token: string): Promise<void> {
  const verdict = await jwks.verdictOn(token);
  const leftMs = (decodeJwt(token).exp ?? 0) * 1000 - Date.now();
  if (verdict === "valid") {
    if (leftMs <= lastMomentMs) verified.nearTheEnd++;
  } else if (leftMs <= 0) verified.late++;
  else if (kidOf(token) !== condemned) refused.push(`${verdict}, ${leftMs} ms before its end`);
}

async function renewUntil(client: RenewingClient, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    present(await client.renew());
    await tick(40);
  }
}

const post = (path: string, init: RequestInit): Promise<Response> =>
  fetch(`${program.address}${path}`, { method: "POST", ...init });

async function isActive(token: string): Promise<boolean> {
  const body = new URLSearchParams({ token });
  const answer = await post("/oauth2/introspect", { body, headers: { authorization: basic() } });
  return ((await answer.json()) as { active: boolean }).active;
}

const agentOf = (accessToken: string): Promise<Response> =>
  post("/v1/tokens/agent", {
    body: JSON.stringify({ agentId: "agent-7" }),
    headers: { "content-type": "application/json", authorization: `Bearer ${accessToken}` },
  });

const execute = promisify(execFile);
const command = (...args: readonly string[]) =>
  execute(process.execPath, [mainProgram, ...args, "--dir", join(folder, "keys")]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyturn-issuer-"));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const [config, issuer] = [join(folder, "rotation.yaml"), join(folder, "issuer.json")];
  await save(config, rotationEvery("0s"));
  await writeFile(join(folder, "dashboard"), secret);
  await save(issuer, JSON.stringify(fileWith(specWith())));
  const dir = join(folder, "keys");
  await writeFile(join(folder, "connects"), "");
  program = await IssuerProgram.begin({
    args: ["standalone", `--dir=${dir}`, `--config=${config}`, `--token-issuer=${issuer}`, "--request-rate=100000"],
    node: shutIn(join(folder, "connects")),
  });
  closing.push(() => program.end());
  watch = await RingWatch.over(join(dir, "public"), () => program.health());
  closing.push(() => watch.close());
  jwks = new CachedJwks(program.address);
  clients = await Promise.all(Array.from({ length: clientsWanted }, () => RenewingClient.begin(program.address)));
  const ended = new AbortController();
  const renewing = Promise.all(clients.map((client) => renewUntil(client, ended.signal)));
  await save(config, rotationEvery("1s"));
  await Promise.race([watch.until("rotations", ({ rotations }) => rotations >= rotationsWanted, 60_000), renewing]);
  await save(config, rotationEvery("0s"));
  await standbyIsKnown();
  ended.abort();
  await renewing;
  await Promise.all(open);
}, 120_000);

/** Every cache has the standby, so that it may take over at once. */
async function standbyIsKnown(): Promise<void> {
  await watch.until("a published standby", ({ standby }) => standby?.publishedAt !== undefined);
  const { publishedAt = "", waitSeconds = 0 } = watch.standby ?? {};
  await tick(Math.max(0, Date.parse(publishedAt) + waitSeconds * 1000 - Date.now()));
}

afterAll(async () => {
  for (const close of closing.toReversed()) await close();
});

describe("an issuer on the directory of keyturn standalone", () => {
  test(`loses no renewal through ${rotationsWanted} planned rotations, and every token is verified by the JWKS alone`, () => {
    expect(refused).toEqual([]);
    expect(kids.size).toBeGreaterThanOrEqual(rotationsWanted);
    const renewals = clients.reduce((sum, client) => sum + client.renewals, 0);
    expect(clients.map(({ lost, later, unheard }) => lost + later + unheard)).toEqual(clients.map(() => 0));
    expect(verified.atOnce).toBe(renewals);
    expect(verified.nearTheEnd).toBeGreaterThan(verified.late);
    console.log(
      `${renewals} renewals by ${clientsWanted} clients, ${watch.rotations} rotations, ${kids.size} keys signed, ` +
        `${verified.nearTheEnd} tokens verified in their last ${lastMomentMs} ms, 0 refused, 0 told to come again`,
    );
  });

  test("after a revocation of its key gives everybody a good token with the next renewal, and no grant ends", async () => {
    const before = await Promise.all(clients.map((client) => client.renew()));
    condemned = kidOf(before[0] ?? "");
    const child = await agentOf(before[0] ?? "");
    expect(child.status).toBe(200);
    await command("revoke", condemned, "--reason", "a test", "--wait", "--timeout", "120s");
    const after = await Promise.all(clients.map((client) => client.renew()));
    const fresh = new CachedJwks(program.address);
    for (const token of after) {
      expect(kidOf(token)).not.toBe(condemned);
      expect(await fresh.verdictOn(token)).toBe("valid");
      expect(await isActive(token)).toBe(true);
    }
    for (const token of before) {
      expect(await fresh.verdictOn(token)).toBe("unknown kid");
      expect(await isActive(token)).toBe(false);
    }
    expect((await agentOf(before[0] ?? "")).status).toBe(401);
    expect((await agentOf(after[0] ?? "")).status).toBe(200);
    const { refreshToken } = (await child.json()) as { refreshToken: string };
    const again = await post("/v1/tokens/refresh", {
      body: JSON.stringify({ refreshToken }),
      headers: { "content-type": "application/json" },
    });
    expect(again.status).toBe(200);
  });

  test("asked nobody for anything in all that time, itself included", async () => {
    expect(await readFile(join(folder, "connects"), "utf8")).toBe("");
    // And what would have told
    const trying = execute(process.execPath, [
      ...shutIn(join(folder, "control")),
      "-e",
      `await fetch(${JSON.stringify(program.address)})`,
    ]);
    await expect(trying).rejects.toThrow("fetch failed");
    expect(await readFile(join(folder, "control"), "utf8")).toBe("connect\n");
  });
});
