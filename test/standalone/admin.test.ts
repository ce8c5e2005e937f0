import { rmSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { ChangeNeededError, TryLaterError } from "../../src/errors/keyturn-error.ts";
import { type Admin, openAdmin } from "../../src/standalone/admin/open-admin.ts";
import { hour, minute, second } from "./fake-time.ts";
import { resource } from "./resource.ts";
import { newWorld, type World } from "./world.ts";

async function adminOf(world: World): Promise<Admin & { ask: (path: string) => Promise<string> }> {
  const admin = await openAdmin({ host: "127.0.0.1", port: 0 }, world.time);
  onTestFinished(() => admin.close());
  const ask = async (path: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${admin.port}${path}`);
    return `${response.status} ${await response.text()}`;
  };
  return { ...admin, ask };
}

const valuesIn = (text: string): ReadonlyMap<string, string> =>
  new Map(
    [...text.matchAll(/^(keyturn_\S+) (\S+)$/gm)].map(([, name = "", value = ""]) => [
      name.replace('namespace="default",name="demo"', "…"),
      value,
    ]),
  );

describe("openAdmin", () => {
  test("measures the rotation as the operator does", async () => {
    const world = await newWorld();
    const admin = await adminOf(world);
    const all = await world.runFor(hour + 5 * minute);
    for (const report of all) admin.pass(report);
    const values = valuesIn(await admin.ask("/metrics"));
    expect(values.get('keyturn_keys{…,state="Active"}')).toBe("1");
    expect(values.get('keyturn_keys{…,state="VerifyOnly"}')).toBe("1");
    expect(values.get("keyturn_ready{…}")).toBe("1");
    expect(values.get("keyturn_stalled{…}")).toBe("0");
    expect(values.get("keyturn_ring_generation{…}")).toBe(String((await world.ring()).generation));
    expect(values.get('keyturn_rotations_total{…,why="schedule",result="completed"}')).toBe("1");
    expect(values.get('keyturn_rotations_total{…,why="signerRevoked",result="early"}')).toBe("0");
    expect(values.get("keyturn_pass_failures_total")).toBe("0");
    expect(Number(values.get("keyturn_next_step_seconds{…}"))).toBeGreaterThan(0);
    // There is no status here that could be behind
    expect([...values.keys()].join()).not.toContain("status_lag");
  });

  test("is alive from the start, and ready with the first keys", async () => {
    const world = await newWorld();
    const admin = await adminOf(world);
    for (const path of ["/livez", "/healthz"]) expect(await admin.ask(path), path).toMatch(/^200 /);
    expect(await admin.ask("/readyz")).toBe(
      "503 [-]rotation: nothing was read yet\n[+]settings ok\nreadyz check failed\n",
    );
    const [first] = await world.run({ until: () => true });
    if (first) admin.pass(first);
    expect(await admin.ask("/readyz")).toMatch(/^200 /);
  });

  test("is not ready while passes fail, and says why; alive all the same", async () => {
    const world = await newWorld();
    const admin = await adminOf(world);
    const all = await world.runFor(minute);
    for (const report of all) admin.pass(report);
    admin.failure(new TryLaterError("StorageUnavailable", "Cannot write: there is no space left on the disk"));
    expect(await admin.ask("/readyz")).toContain("503 [-]rotation: Cannot write: there is no space left on the disk\n");
    expect(await admin.ask("/livez")).toMatch(/^200 /);
    let values = valuesIn(await admin.ask("/metrics"));
    expect([values.get("keyturn_pass_failures_total"), values.get("keyturn_stalled{…}")]).toEqual(["1", "0"]);
    admin.failure(new ChangeNeededError("StorageRefused", "Cannot write: the file system is read-only"));
    values = valuesIn(await admin.ask("/metrics"));
    expect([values.get("keyturn_pass_failures_total"), values.get("keyturn_stalled{…}")]).toEqual(["2", "1"]);
    const last = all.at(-1);
    if (last) admin.pass(last);
    expect(await admin.ask("/readyz")).toMatch(/^200 /);
    expect(valuesIn(await admin.ask("/metrics")).get("keyturn_stalled{…}")).toBe("0");
  });

  test("has another writer who undoes what is written as something that a person must mend", async () => {
    const world = await newWorld();
    await world.settle();
    const admin = await adminOf(world);
    let left = 150;
    for (const report of await world.runFor(2 * second, {
      until: () => {
        if (left-- > 0) rmSync(world.path("public"), { recursive: true, force: true });
        return false;
      },
    }))
      admin.pass(report);
    const stalled = async (): Promise<string | undefined> =>
      valuesIn(await admin.ask("/metrics")).get("keyturn_stalled{…}");
    expect(await stalled()).toBe("1");
    expect(await admin.ask("/readyz")).toMatch(/^200 \[\+\]rotation ok, but more than 100 writes in a minute/);
    for (const report of await world.runFor(30 * minute)) admin.pass(report);
    expect(await stalled()).toBe("0");
  });

  test("stays ready with a config that is refused, and tells of it", async () => {
    const world = await newWorld();
    await world.settle();
    const admin = await adminOf(world);
    const bad = { resource: resource({ rotation: { interval: "x" } }) };
    for (const report of await world.runFor(minute, { config: bad })) admin.pass(report);
    const answer = await admin.ask("/readyz");
    expect(answer).toMatch(/^200 \[\+\]rotation ok, but .*interval.*\n\[\+\]settings ok, but .*interval/);
    const values = valuesIn(await admin.ask("/metrics"));
    expect([values.get("keyturn_stalled{…}"), values.get("keyturn_ready{…}")]).toEqual(["1", "0"]);
  });
});
