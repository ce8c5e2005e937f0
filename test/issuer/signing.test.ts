import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";
import { signerObject } from "../../src/crypto/objects.ts";
import { writeDataDir } from "../../src/files/data-dir.ts";
import { nodeDisk } from "../../src/files/disk.ts";
import { openHolder } from "../../src/holder/open-holder.ts";
import type { HolderState } from "../../src/holder/state.ts";
import { isReady } from "../../src/holder/state-view.ts";
import { signingOn } from "../../src/issuer/signing.ts";
import { active, verifyOnly } from "../support/rings.ts";
import { hour } from "../support/story.ts";
import { factsOf } from "../support/keys.ts";
import { systemClock } from "../../src/time/clock.ts";
import { tempDir } from "../files/temp.ts";
import { keyRing, kid, opened, pair, type RingPlan } from "../gateway/support/rings.ts";

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** An issuer's ring on a directory as standalone keeps it. */
async function opening() {
  const dir = await tempDir();
  await mkdir(join(dir, "acks"), { mode: 0o700 });
  const registry = new Registry();
  // The wall clock can be moved on; the other one is the machine's
  const moved = { byMs: 0 };
  const clock = { ...systemClock, nowMs: () => Date.now() + moved.byMs };
  const holder = await openHolder({
    sources: { kind: "directory", ring: "signer", acks: "required", dir, instance: "issuer" },
    ...{ mints: true, clock, chance: () => 1, newId: () => "id", log },
    metrics: { registry, prefix: "keyturn_issuer" },
  });
  void holder.run();
  onTestFinished(() => holder.close());
  const { memory } = holder;
  return {
    ...{ dir, holder, memory, registry, moved, ...signingOn(memory, clock) },
    writes: async (plan: RingPlan): Promise<void> => {
      const { ring, materials } = keyRing(plan);
      const files = signerObject(ring, materials);
      await writeDataDir(nodeDisk(), join(dir, "signer"), { files, mode: 0o600, dirMode: 0o700, nowMs: Date.now() });
      // The ack comes last: then nothing more is under way
      const isTaken = (state: HolderState): boolean =>
        isReady(state) && state.acked?.generation === plan.generation && state.confirmed?.kid === ring.signer.kid;
      await memory.until(isTaken, Infinity);
    },
  };
}

const request = { type: "at+jwt", subject: "alice" } as const;

test("an issuer on a directory signs, verifies and publishes, and a rotation swaps in place", async () => {
  const { signing, verifying, longestTtlMs, writes, holder, registry, dir } = await opening();
  expect([signing(), verifying()]).toEqual([undefined, undefined]);
  expect(longestTtlMs).toThrow(expect.objectContaining({ code: "NotReady" }));
  await writes({ generation: 5 });
  const [before, looking] = [signing(), verifying()];
  if (before === undefined || looking === undefined) throw new Error("it must sign");
  const first = before.mint(request);
  expect([first.kid, looking.verify(first.token)]).toMatchObject([kid(0), { ok: true, claims: { sub: "alice" } }]);
  // An ID token, or whatever else the key signed, is no access token
  expect(looking.verify(before.mint({ subject: "alice" }).token)).toEqual({ ok: false, reason: "TypeNotAllowed" });
  await writes({ generation: 6, signer: 1, standby: 2, retiring: [0] });
  const second = signing()?.mint(request);
  expect(second?.kid).toBe(kid(1));
  // What was asked for before the swap is as new as the ring
  expect([looking.verify(first.token).ok, looking.verify(second?.token ?? "").ok]).toEqual([true, true]);
  expect(holder.jwks({ method: "GET", ifNoneMatch: undefined })).toMatchObject({
    status: 200,
    body: expect.stringContaining(kid(1)) as unknown,
  });
  expect(await registry.metrics()).toContain("keyturn_issuer_ring_generation 6");
  const ending = new AbortController();
  const ready = holder.readiness(ending.signal, () => ["a remark"]);
  expect(ready.judge("readyz")).toMatchObject({
    isWell: true,
    text: expect.stringContaining("[!]a remark") as unknown,
  });
  ending.abort();
  expect(ready.judge("readyz").isWell).toBe(false);
  expect(await readdir(join(dir, "acks"))).toEqual(["issuer.json"]);
  await holder.close();
  expect(await readdir(join(dir, "acks"))).toEqual([]);
});

test("an issuer whose source was not heard for long signs no more, and looks at tokens as before", async () => {
  const { signing, verifying, writes, moved } = await opening();
  await writes({ generation: 5 });
  const now = signing();
  const { token } = now?.mint({ ...request, ttlMs: hour }) ?? { token: "" };
  // In the same turn, so that the source can say nothing in between
  moved.byMs = 1000 * hour;
  expect(() => now?.mint(request)).toThrow(expect.objectContaining({ name: "TryLaterError", code: "MintFenced" }));
  expect(now?.isFenced).toBe(true);
  moved.byMs = 0.9 * hour;
  expect(verifying()?.verify(token).ok).toBe(true);
});

test("a rotation costs nobody who waits for its confirmation", async () => {
  const { signing, confirmed, writes, memory } = await opening();
  await writes({ generation: 5 });
  // What a renewal meets that comes in the very turn of the swap
  const met: Promise<readonly unknown[]> = new Promise((resolve) => {
    const forget = memory.listen(() => {
      if (memory.state.current?.ring.generation !== 6) return;
      forget();
      const wasFenced = signing()?.isFenced;
      void confirmed().then(() => resolve([wasFenced, signing()?.isFenced, signing()?.mint(request).kid]));
    });
  });
  await writes({ generation: 6, signer: 1, standby: 2, retiring: [0] });
  expect(await met).toEqual([true, false, kid(1)]);
});

test("a key that is refused counts no more for how long revocations are kept, before it leaves the ring", async () => {
  const { longestTtlMs, memory, writes } = await opening();
  const facts = factsOf(pair(2));
  const lasting = { ...facts, profile: { ...facts.profile, maxTTLMs: 3 * hour } };
  const retiring = [verifyOnly(kid(2), { ...lasting, demotedInGeneration: 1 })];
  await writes({ generation: 5, retiring: [2], change: { retiring } });
  const before = longestTtlMs();
  expect(before).toBe(3 * hour + 120_000);
  // A source that lags behind shows an older ring, which names the key revoked
  memory.dispatch({ type: "shown", source: "mount", ring: opened({ generation: 4, revoked: [2] }) });
  expect(memory.state.current?.ring).toMatchObject({ generation: 5, retiring: [{ kid: kid(2) }] });
  expect(longestTtlMs()).toBeLessThan(before);
});

test("an issuer keeps revocations for as long as any key takes a token for good", async () => {
  // Twice the clock skew of a minute
  const leeway = 120_000;
  const { longestTtlMs, writes } = await opening();
  const lasting = (nth: number, maxTTLMs: number) => {
    const facts = factsOf(pair(nth));
    return { ...facts, profile: { ...facts.profile, maxTTLMs } };
  };
  const plan = {
    signer: active(kid(0), lasting(0, hour)),
    retiring: [verifyOnly(kid(2), { ...lasting(2, 3 * hour), demotedInGeneration: 1 })],
  };
  await writes({ generation: 5, retiring: [2], change: plan });
  expect(longestTtlMs()).toBe(3 * hour + leeway);
  await writes({ generation: 6, revoked: [2], change: { signer: plan.signer } });
  expect(longestTtlMs()).toBe(hour + leeway);
});
