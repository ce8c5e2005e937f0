import { expect, it, vi } from "vitest";
import { admin } from "../support/scene.ts";
import { makeRotation, makeScene, quick, type RotationHandle, startController } from "./support/scene.ts";

const scene = await makeScene("order");
const names = ["a", "b", "c", "d", "e", "f"];

/** The one worker's writes of rings and statuses, in order: `ring a`, `status a`. */
function writesOf(calls: readonly string[]): readonly string[] {
  return calls.flatMap((call) => {
    const [, ring] = /secrets\/(\w)-ring$/.exec(call) ?? [];
    const [, status] = /jwtkeyrotations\/(\w)\/status$/.exec(call) ?? [];
    return ring !== undefined ? [`ring ${ring}`] : status !== undefined ? [`status ${status}`] : [];
  });
}

it("a rotation that was written is reported before the next one begins, and an emergency comes before all", async () => {
  const rotations: RotationHandle[] = [];
  for (const name of names)
    rotations.push(await makeRotation(scene.namespace, name, { ...quick, propagation: { minimum: "0s" } }));
  const first = startController(scene);
  const kids = await Promise.all(rotations.map(async (one) => (await one.ready()).activeKid ?? ""));
  await first.stop();
  // All have something to do, and the last one has a key to revoke
  for (const one of rotations.slice(0, -1)) await one.edit({ rotation: { interval: "0s", requestID: "once" } });
  await rotations.at(-1)?.edit({ revokedKids: [{ kid: kids.at(-1) }] });

  const calls: string[] = [];
  startController(scene, {
    workers: 1,
    onCall: ({ method, path }) => {
      if (method === "PUT") calls.push(path.split("?")[0] ?? "");
    },
  });
  await vi.waitFor(
    async () => {
      for (const [i, one] of rotations.entries()) expect((await one.ready()).activeKid).not.toBe(kids[i]);
    },
    { timeout: 120_000 },
  );
  const writes = writesOf(calls);
  expect(writes[0]).toBe("ring f");
  const begins = names.map((name) => writes.indexOf(`ring ${name}`)).sort((x, y) => x - y);
  for (const [i, begin] of begins.entries()) {
    const name = writes[begin]?.split(" ")[1] ?? "";
    const told = writes.indexOf(`status ${name}`, begin);
    expect(told, writes.join(", ")).toBeLessThan(begins[i + 1] ?? Infinity);
  }
  for (const one of rotations) await admin.remove(one.path);
});

it.each([1, 2])(
  "of sixty rotations that begin at once, %i workers owe no more reports than they are",
  async (workers) => {
    const owed = new Set<string>();
    let most = 0;
    const all = Array.from({ length: 60 }, (_, i) => `crowd-${workers}-${i}`);
    const spec = { ...quick, propagation: { minimum: "0s" } };
    const rotations = await Promise.all(all.map((name) => makeRotation(scene.namespace, name, spec)));
    startController(scene, {
      workers,
      onCall: ({ method, path }) => {
        const [, written] = /secrets\/(crowd-[\d-]+)-ring(?:\?|$)/.exec(path) ?? [];
        const [, reported] = /jwtkeyrotations\/(crowd-[\d-]+)\/status(?:\?|$)/.exec(path) ?? [];
        if (method === "PUT" && written !== undefined) owed.add(written);
        if (method === "PUT" && reported !== undefined) owed.delete(reported);
        most = Math.max(most, owed.size);
      },
    });
    for (const one of rotations) await one.ready();
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(workers);
    for (const one of rotations) await admin.remove(one.path);
  },
);
