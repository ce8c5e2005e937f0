import { expect, it, vi } from "vitest";
import { admin } from "../support/scene.ts";
import { startChild } from "./support/children.ts";
import { expectSound } from "./support/objects.ts";
import { makeRotation, makeScene, quick, type RotationHandle, type Scene } from "./support/scene.ts";

const instant = { ...quick, propagation: { minimum: "0s" }, tokens: { ...quick.tokens, maxTTL: "1s" } };

/** The kid of every signer, in the order of the API server. */
function signersOf(rotation: RotationHandle): { readonly kids: readonly string[]; readonly end: () => void } {
  const kids: string[] = [];
  const stop = new AbortController();
  const path = `/api/v1/namespaces/${rotation.namespace}/secrets?fieldSelector=metadata.name=${rotation.name}`;
  const watch = async (): Promise<void> => {
    for await (const { object } of admin.watch(path, stop.signal)) {
      const { kid = "" } = (object["data"] ?? {}) as { kid?: string };
      const text = Buffer.from(kid, "base64").toString();
      if (text !== "" && kids.at(-1) !== text) kids.push(text);
    }
  };
  watch().catch(() => undefined);
  return { kids, end: () => stop.abort() };
}

/** A rotation whose controller is killed after its `at`-th write, and followed by another. Whether it came to that. */
async function isKilledAt(scene: Scene, at: number): Promise<boolean> {
  const rotation = await makeRotation(scene.namespace, `kill-${at}`, instant);
  const signers = signersOf(rotation);
  const doomed = await startChild(scene, { identity: `first-${at}`, at, signal: "SIGKILL" });
  const done = (async () => {
    const { activeKid: first } = await rotation.ready();
    await rotation.edit({ rotation: { interval: "0s", requestID: "once" } });
    await rotation.reaches("rotated and pruned", ({ keys, activeKid }) => keys.length === 2 && activeKid !== first);
  })();
  const isKilled = await Promise.race([doomed.exited.then(() => true), done.then(() => false)]);
  const second = isKilled ? await startChild(scene, { identity: `second-${at}` }) : doomed;
  await done;
  await vi.waitFor(() => expectSound(rotation), { timeout: 120_000, interval: 100 });
  second.kill("SIGKILL");
  await second.exited;
  expect(signers.kids).toHaveLength(2);
  signers.end();
  await admin.remove(rotation.path);
  return isKilled;
}

/** Each waits for tokens to end most of its time. */
const sideBySide = 3;

it("a controller that is killed at any write is followed by one that finishes: one rotation, no orphan key", async () => {
  const killed: number[] = [];
  let next = 1;
  let isOver = false;
  const work = async (): Promise<void> => {
    const scene = await makeScene("kills");
    while (!isOver) {
      const at = next++;
      if (await isKilledAt(scene, at)) killed.push(at);
      else isOver = true;
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, work));
  console.log(`killed after each of ${killed.length} writes: one rotation each time, and no orphan key`);
  expect(killed.length).toBeGreaterThanOrEqual(9);
  // None was left out
  expect(killed.toSorted((x, y) => x - y)).toEqual(killed.map((_, i) => i + 1));
}, 600_000);

it("a leader that stands still in the middle of a rotation is followed, and writes nothing when it wakes up", async () => {
  const scene = await makeScene("freeze");
  // The third write is the first ring's last; the rotation's ring is written, and its projections are not
  const first = await startChild(scene, { identity: "first", leaseMs: 3000, at: 6, signal: "SIGSTOP" });
  await first.says("info leads");
  const rotation = await makeRotation(scene.namespace, "frozen", instant);
  const signers = signersOf(rotation);
  const second = await startChild(scene, { identity: "second", leaseMs: 3000 });
  await first.says("write 5");
  await rotation.edit({ rotation: { interval: "0s", requestID: "once" } });
  await second.says("info leads");
  await rotation.reaches(
    "rotated",
    ({ keys, history = [] }) => keys.length === 2 && history.some(({ step }) => step === "prune"),
  );
  await vi.waitFor(() => expectSound(rotation), { timeout: 120_000, interval: 100 });
  const { ringGeneration } = await rotation.status();
  const versions = await versionsOf(rotation);
  const saidBefore = first.lines.length;
  first.kill("SIGCONT");
  await vi.waitFor(() => expect(first.lines.length).toBeGreaterThan(saidBefore), { timeout: 120_000, interval: 50 });
  first.kill("SIGTERM");
  await first.exited;
  expect(await versionsOf(rotation)).toEqual(versions);
  expect((await rotation.status()).ringGeneration).toBe(ringGeneration);
  expect(signers.kids).toHaveLength(2);
  signers.end();
  second.kill("SIGTERM");
  await second.exited;
});

async function versionsOf(rotation: RotationHandle): Promise<readonly unknown[]> {
  const roles = ["ring", "signer", "public"] as const;
  const objects = await Promise.all(roles.map((role) => admin.get(rotation.objectPath(role))));
  return objects.map(({ metadata }) => metadata["resourceVersion" as keyof typeof metadata]);
}
