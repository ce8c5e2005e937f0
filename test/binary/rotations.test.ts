import { watch } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askUntilUnknown, hadItTheKey } from "./support/after-life.ts";
import type { Ended } from "./support/line-process.ts";
import type { Token } from "./support/traffic.ts";
import type { Answer } from "./support/verifier.ts";
import { times, World } from "./support/world.ts";

const rotationsWanted = 50;
const patience = ["--wait", "--timeout", "120s"];

let world: World;
let ended: Ended | undefined;
/** What the verifier without a cache said of a key's last token in the moment in which the key was pruned. */
const atPruning: { readonly kid: string; readonly answer: Answer }[] = [];
/** What each verifier came to say of tokens that had not ended when their key was revoked. */
const afterRevocation: { readonly verifier: string; readonly verdict: string; readonly leftMs: number }[] = [];

/** kill -9 as soon as something changes in this directory, and at once another process. */
async function killAmidst(name: "ring" | "public" | "signer"): Promise<void> {
  await new Promise<void>((resolve) => {
    const watcher = watch(join(world.dir, name), () => {
      watcher.close();
      resolve();
    });
  });
  await world.standalone.killAndRestart();
}

const rotationsUntil = (count: number): Promise<void> =>
  world.watch.until(`${count} rotations`, ({ rotations }) => rotations >= count, 60_000);

const signedBy = (algorithm: string): Promise<Token> => world.traffic.next((token) => token.algorithm === algorithm);

async function onSchedule(): Promise<void> {
  await world.configure("ES256");
  await rotationsUntil(6);
  await killAmidst("ring");
  await rotationsUntil(12);
  await killAmidst("public");
}

async function throughAlgorithms(): Promise<void> {
  await world.configure("EdDSA");
  await killAmidst("signer");
  await signedBy("EdDSA");
  await rotationsUntil(24);
  await world.configure("RS256");
  await signedBy("RS256");
  await killAmidst("ring");
  await rotationsUntil(32);
  await world.configure("ES256", "0s");
  await signedBy("ES256");
  await standbyIsKnown();
}

/** @returns the kid that signed before */
async function rotate(): Promise<string> {
  const old = world.watch.signer?.kid ?? "";
  await world.command("rotate", ...patience);
  // The program writes the ring before the public object that is watched here
  await world.watch.until("another signer", ({ signer }) => signer?.kid !== old);
  return old;
}

/** Back to back: each request waits for a standby of its own. */
async function onRequest(): Promise<void> {
  for (let count = 0; count < 3; count++) await rotate();
}

/** Every cache has the standby, so that it may take over at once. */
async function standbyIsKnown(): Promise<void> {
  await world.watch.until("a published standby", ({ standby }) => standby?.publishedAt !== undefined);
  const { publishedAt = "", waitSeconds = 0 } = world.watch.standby ?? {};
  const knownFromMs = Date.parse(publishedAt) + waitSeconds * 1000;
  await world.traffic.next(() => Date.now() > knownFromMs);
}

async function backAndForth(): Promise<void> {
  const old = await rotate();
  await world.traffic.next(({ kid }) => kid !== old);
  await world.command("rollback", ...patience);
  await world.watch.until("the old signer signs again", ({ signer }) => signer?.kid === old);
  await world.traffic.next(({ kid }) => kid === old);
  await world.standalone.killAndRestart();
  await world.command("rollback", "--unpin");
}

async function revoke(kid: string): Promise<void> {
  world.traffic.condemn(kid);
  const asked = world.command("revoke", kid, "--reason", "a test", ...patience);
  await world.watch.until("the revocation", ({ ring }) => ring.revoked.some((key) => key.kid === kid));
  const token = world.traffic.lastOf.get(kid);
  if (!token) throw new Error("The revoked key never signed");
  const withinMs = times.propagationSeconds * 1000 + 500;
  const asking = world.verifiers.map(async (verifier) => {
    const { verdict, atMs } = await askUntilUnknown(verifier, token.token, withinMs);
    afterRevocation.push({ verifier: verifier.name, verdict, leftMs: token.expiresAtMs - atMs });
  });
  await Promise.all([asked, ...asking]);
}

/** First the key that has just stopped signing, then the one that signs. */
async function revocations(): Promise<void> {
  await standbyIsKnown();
  const old = world.watch.signer?.kid ?? "";
  const asked = world.command("rotate");
  await world.watch.until("another signer", ({ signer }) => signer?.kid !== old);
  await Promise.all([asked, revoke(old)]);
  await standbyIsKnown();
  await revoke(world.watch.signer?.kid ?? "");
}

async function toTheEnd(): Promise<void> {
  await world.configure("ES256");
  await rotationsUntil(rotationsWanted + 2);
  await world.configure("ES256", "0s");
  const leaving = world.watch.ring.keys.filter(({ state }) => state === "verify-only").map(({ kid }) => kid);
  await world.watch.until("the old keys are pruned", ({ pruned }) => leaving.every((kid) => pruned.has(kid)));
}

/** The last token of every pruned key, with the key. A standby that was discarded has none. */
const lastTokens = (): readonly (readonly [kid: string, token: Token])[] =>
  [...world.watch.pruned].flatMap((kid) => {
    const token = world.traffic.lastOf.get(kid);
    return token ? [[kid, token] as const] : [];
  });

beforeAll(async () => {
  world = await World.begin("ES256");
  await world.startTraffic();
  const newest = world.verifiers.find(({ caches }) => !caches);
  world.watch.onPruned = (kid) => {
    const token = world.traffic.lastOf.get(kid);
    if (token) void newest?.ask(token.token).then((answer) => atPruning.push({ kid, answer }));
  };
  await onSchedule();
  await throughAlgorithms();
  await onRequest();
  await backAndForth();
  await revocations();
  await toTheEnd();
  await world.traffic.end();
  ended = await world.standalone.stop();
}, 600_000);

afterAll(() => world.end());

describe("keyturn standalone with applications that sign and independent verifiers", () => {
  test.for(["jose", "PyJWT"])("%s accepts every valid token, from its first moment to its last", (name, { skip }) => {
    if (name === "PyJWT" && world.missing !== undefined) skip(world.missing);
    const { traffic } = world;
    expect(traffic.failures).toEqual([]);
    expect(traffic.refusedBy(name)).toEqual({ count: 0, first: [] });
    const { valid, nearTheEnd, late } = traffic.tally(name);
    expect(valid).toBeGreaterThan(3 * traffic.minted);
    // On a machine so busy that most answers come late, acceptance near the end would be no more than a claim
    expect(nearTheEnd).toBeGreaterThan(late);
  });

  test(`rotates ${rotationsWanted} times and more, by schedule and request, through three algorithms`, () => {
    expect(world.watch.rotations).toBeGreaterThanOrEqual(rotationsWanted);
    const algorithms = [...world.traffic.lastOf.values()].map(({ algorithm }) => algorithm);
    expect([...new Set(algorithms)].toSorted()).toEqual(["ES256", "EdDSA", "RS256"]);
  });

  test("every pruned key's tokens had ended, and are refused for their kid alone from then on", async () => {
    const pruned = lastTokens();
    expect(pruned.length).toBeGreaterThanOrEqual(rotationsWanted - 5);
    for (const [kid, token] of pruned) {
      const key = world.watch.keys.get(kid);
      expect(key && (await hadItTheKey(token, key))).toBe("valid then, expired now");
      for (const verifier of world.verifiers) {
        expect((await askUntilUnknown(verifier, token.token, 30_000)).verdict).toBe("unknown kid");
      }
    }
  });

  test("PyJWT refuses a pruned key in the moment in which it leaves the JWKS", ({ skip }) => {
    if (world.missing !== undefined) skip(world.missing);
    expect(atPruning.length).toBeGreaterThanOrEqual(rotationsWanted - 5);
    expect(atPruning.filter(({ answer }) => answer.verdict !== "unknown kid")).toEqual([]);
  });

  test("tokens of a revoked key are refused long before they end, by caches when their copy ends", () => {
    expect(afterRevocation).toHaveLength(2 * world.verifiers.length);
    for (const { verdict, leftMs } of afterRevocation) {
      expect(verdict).toBe("unknown kid");
      expect(leftMs).toBeGreaterThan(0);
    }
  });

  test("kill -9 amidst its writes loses nothing, and SIGTERM ends it cleanly", () => {
    expect(world.standalone.kills).toBe(5);
    expect(ended).toMatchObject({ code: 0, signal: null });
  });
});

afterAll(() => {
  const { traffic, verifiers, watch, standalone } = world;
  const count = (n: number): string => n.toLocaleString("en-US");
  const valid = verifiers.map(({ name }) => `${name} ${count(traffic.tally(name).valid)}`).join(", ");
  console.log(
    `rotations ${watch.rotations}, kills ${standalone.kills}, tokens ${count(traffic.minted)} minted, verifications ${valid}, ` +
      `${traffic.refusals.length} valid refused, ${lastTokens().length} pruned keys refused, ` +
      `${afterRevocation.length / verifiers.length} revoked`,
  );
});
