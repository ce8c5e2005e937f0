import { beforeAll, describe, expect, it } from "vitest";
import { admin, exists, gone } from "../support/scene.ts";
import { FakeGateway, makeGatewayAccount } from "./support/gateways.ts";
import { backUp, damage, roles } from "./support/objects.ts";
import { makeRotation, makeScene, quick, type RotationHandle, startController, type Status } from "./support/scene.ts";

const scene = await makeScene("acks");
beforeAll(() => makeGatewayAccount(scene.namespace));

let count = 0;
/** A ring in which everything is published and acknowledged, and its two gateways. */
async function ringWithGateways(
  spec: object = {},
): Promise<[RotationHandle, FakeGateway, FakeGateway, ReturnType<typeof startController>]> {
  const controller = startController(scene);
  const rotation = await makeRotation(scene.namespace, `ring-${count++}`, {
    ...quick,
    propagation: { minimum: "0s" },
    ...spec,
  });
  await rotation.ready();
  const [a, b] = [
    await FakeGateway.make(rotation, `${rotation.name}-a`),
    await FakeGateway.make(rotation, `${rotation.name}-b`),
  ];
  for (const gateway of [a, b]) {
    await gateway.is("Running");
    await gateway.acknowledge();
  }
  await rotation.reaches("2/2", ({ gateways }) => gateways.summary === "2/2");
  return [rotation, a, b, controller];
}

const request = (rotation: RotationHandle): Promise<unknown> =>
  rotation.edit({ rotation: { interval: "0s", requestID: `r${count++}` } });

/** Rotates; the new standby then waits for whoever does not acknowledge. */
async function waitsFor(rotation: RotationHandle, name: string): Promise<void> {
  await rotation.reaches(`waits for ${name}`, ({ waitingFor, gateways }) => {
    return gateways.waitingFor.includes(name) && waitingFor?.includes(name) === true;
  });
}

const rotates = async (rotation: RotationHandle, from: string | undefined): Promise<void> => {
  await rotation.reaches("rotated", ({ activeKid }) => activeKid !== undefined && activeKid !== from);
};

describe("a rotation waits", () => {
  it("for a gateway that says nothing, names it, and goes on when it speaks", async () => {
    const [rotation, a, b] = await ringWithGateways();
    const { activeKid } = await rotation.status();
    await request(rotation);
    await rotates(rotation, activeKid);
    const { activeKid: second } = await rotation.status();
    await a.acknowledge();
    await request(rotation);
    await waitsFor(rotation, b.name);
    expect((await rotation.status()).activeKid).toBe(second);
    await b.acknowledge();
    await rotates(rotation, second);
  });

  it("for one that has just started: generation 0 confirms nothing", async () => {
    const [rotation, a, b] = await ringWithGateways();
    const { activeKid } = await rotation.status();
    await request(rotation);
    await rotates(rotation, activeKid);
    await a.acknowledge();
    await b.states({ generation: 0, verifies: [] });
    await request(rotation);
    await waitsFor(rotation, b.name);
    const { activeKid: second } = await rotation.status();
    await b.acknowledge();
    await rotates(rotation, second);
  });

  it("for a pod that only its ack makes known", async () => {
    const [rotation, a, b] = await ringWithGateways();
    const other = await FakeGateway.make(rotation, `${rotation.name}-c`, { isLabelled: false });
    await other.is("Running");
    await other.acknowledge();
    await rotation.reaches("3/3", ({ gateways }) => gateways.summary === "3/3");
    const { activeKid } = await rotation.status();
    await request(rotation);
    await rotates(rotation, activeKid);
    await a.acknowledge();
    await b.acknowledge();
    await waitsFor(rotation, other.name);
    await other.remove();
    await rotation.reaches("published", ({ keys }) => keys.every((key) => key.publishedTime !== undefined));
  });
});

describe("whoever may answer requests counts", () => {
  it("with publishing: a pod that runs and has said nothing may soon answer from its mount", async () => {
    const [rotation, a, b] = await ringWithGateways();
    const { activeKid } = await rotation.status();
    await request(rotation);
    await rotates(rotation, activeKid);
    const fresh = await FakeGateway.make(rotation, `${rotation.name}-fresh`);
    await fresh.is("Running", { isReady: false });
    await a.acknowledge();
    await b.acknowledge();
    const isAwaited = ({ plan }: Status): boolean =>
      (plan as readonly { step: string; waitingFor?: string }[]).some(
        ({ step, waitingFor }) => step === "publish" && waitingFor === `${fresh.name} has not acknowledged`,
      );
    await rotation.reaches("not published for the fresh pod's sake", isAwaited);
    await fresh.states({ generation: 0, verifies: [] });
    await rotation.reaches("published", ({ keys }) => keys.every((key) => key.publishedTime !== undefined));
  });

  it("with a revocation: generation 0 of a pod that is Ready does not acknowledge it", async () => {
    const [rotation, a, b] = await ringWithGateways();
    const { activeKid } = await rotation.status();
    await b.states({ generation: 0, verifies: [] });
    await rotation.edit({ revokedKids: [{ kid: activeKid }] });
    await rotates(rotation, activeKid);
    await a.acknowledge();
    const isAcknowledged = ({ revocations }: Status): boolean =>
      (revocations as readonly { acknowledged: boolean }[]).every(({ acknowledged }) => acknowledged);
    const open = await rotation.reaches("a has acknowledged", ({ gateways }) => gateways.summary === "1/2");
    expect(isAcknowledged(open)).toBe(false);
    await b.acknowledge();
    await rotation.reaches("acknowledged by all", isAcknowledged);
  });
});

describe("a rotation does not wait", () => {
  const leaves: readonly (readonly [string, (gateway: FakeGateway) => Promise<void>])[] = [
    ["was evicted", (gateway) => gateway.is("Failed")],
    ["was scaled away", (gateway) => gateway.remove()],
  ];
  it.each(leaves)("for a gateway that %s", async (_, leave) => {
    const [rotation, a, b] = await ringWithGateways();
    const { activeKid } = await rotation.status();
    await request(rotation);
    await rotates(rotation, activeKid);
    await a.acknowledge();
    await waitsFor(rotation, b.name);
    await leave(b);
    await rotation.reaches("published", ({ keys }) => keys.every((key) => key.publishedTime !== undefined));
  });

  it("with publishing for a pod that gets no traffic and promised by generation 0 to read first; it counts from its next ack", async () => {
    const [rotation, a, b] = await ringWithGateways();
    const late = await FakeGateway.make(rotation, `${rotation.name}-late`);
    await late.is("Running", { isReady: false });
    await late.states({ generation: 0, verifies: [] });
    await rotation.reaches("2/3", ({ gateways }) => gateways.summary === "2/3");
    const { activeKid } = await rotation.status();
    await request(rotation);
    await rotates(rotation, activeKid);
    await a.acknowledge();
    await b.acknowledge();
    await rotation.reaches("published", ({ keys }) => keys.every((key) => key.publishedTime !== undefined));
    await waitsFor(rotation, late.name);
    await late.acknowledge();
    await rotation.reaches("quiesced", ({ keys }) =>
      keys.every((key) => key.state !== "VerifyOnly" || "quiescedTime" in key),
    );
  });

  it("with a revocation, for anybody", async () => {
    const [rotation, , b] = await ringWithGateways();
    const { activeKid } = await rotation.status();
    await b.states({ generation: 0, verifies: [] });
    await rotation.edit({ revokedKids: [{ kid: activeKid }] });
    await rotates(rotation, activeKid);
  });

  it("for anybody when acknowledgements are ignored", async () => {
    const [rotation] = await ringWithGateways();
    await rotation.edit({ propagation: { acknowledgements: "Ignored" } });
    for (let i = 0; i < 2; i++) {
      const { activeKid } = await rotation.status();
      await request(rotation);
      await rotates(rotation, activeKid);
    }
  });
});

describe("an ack", () => {
  it("in another's name is refused by the policy, and the rotation goes on to wait", async () => {
    const [rotation, a, b] = await ringWithGateways();
    const { activeKid, ringGeneration = 0 } = await rotation.status();
    await request(rotation);
    await rotates(rotation, activeKid);
    const forged = { generation: ringGeneration + 1, verifies: [], signs: undefined };
    await expect(a.statesFor(b, forged)).rejects.toMatchObject({ status: 403 });
    await a.acknowledge();
    await waitsFor(rotation, b.name);
  });

  it("of a generation that nobody has stalls the rotation, names the pod, and ends with the pod", async () => {
    const [rotation, , b] = await ringWithGateways();
    const { ringGeneration = 0 } = await rotation.status();
    await b.states({ generation: ringGeneration + 100, verifies: [] });
    const { conditions } = await rotation.stalled("RingRolledBack");
    expect(conditions.find(({ type }) => type === "Stalled")?.message).toContain(b.name);
    await b.remove();
    await rotation.reaches("no longer stalled", (now) => now.conditions.every(({ type }) => type !== "Stalled"));
  });
});

describe("a gateway that stays silent", () => {
  it("stalls the rotation once its patience has ended, and a person's remedy ends the stall", async () => {
    const [rotation, a, b] = await ringWithGateways({ tokens: { ...quick.tokens, maxTTL: "1s" } });
    const { activeKid } = await rotation.status();
    await request(rotation);
    await rotates(rotation, activeKid);
    await a.acknowledge();
    const { conditions } = await rotation.stalled("GatewaySilent");
    expect(conditions.find(({ type }) => type === "Stalled")?.message).toContain(b.name);
    await b.remove();
    await rotation.reaches("no longer stalled", (now) => now.conditions.every(({ type }) => type !== "Stalled"));
  });
});

describe("a gateway in a crash loop", () => {
  it("stalls the rotation and is named: its patience counts from the pod, not from each start", async () => {
    const [rotation, a, b] = await ringWithGateways({ tokens: { ...quick.tokens, maxTTL: "1s" } });
    const { activeKid } = await rotation.status();
    await request(rotation);
    await rotates(rotation, activeKid);
    // Whenever one looks, it has only just begun
    await b.is("Running", { isReady: false, containerStartedAt: "2099-01-01T00:00:00Z" });
    await a.acknowledge();
    const { conditions } = await rotation.stalled("GatewaySilent");
    expect(conditions.find(({ type }) => type === "Stalled")?.message).toContain(b.name);
  });
});

describe("when etcd went back with what gateways said, and the older ring grew past theirs", () => {
  it("a gateway that speaks at last stalls the rotation, until a recovery", async () => {
    const [rotation, a, b, controller] = await ringWithGateways();
    const backup = await backUp(rotation);
    const { activeKid, ringGeneration: old = 0 } = await rotation.status();
    const older = await b.acknowledge();
    await request(rotation);
    await rotates(rotation, activeKid);
    const newest = await b.acknowledge();
    await controller.stop();
    for (const role of roles) await damage(rotation, { role, how: "older", backup });
    for (const gateway of [a, b]) await gateway.states(older);
    await admin.merge(`${rotation.path}/status`, { status: { ringGeneration: old } });

    startController(scene);
    const revokedKids: object[] = [];
    for (let now = old; now <= newest.generation;) {
      revokedKids.push({ kid: `unknown-${revokedKids.length}` });
      await rotation.edit({ revokedKids });
      ({ ringGeneration: now = 0 } = await rotation.reaches("grown", ({ ringGeneration = 0 }) => ringGeneration > now));
    }
    await b.states(newest);
    const { conditions, ringGeneration: grown = 0 } = await rotation.stalled("RingRolledBack");
    expect(conditions.find(({ type }) => type === "Stalled")?.message).toContain(
      `${b.name} (generation ${newest.generation}) saw a ring that the one here does not come from`,
    );
    await rotation.annotate({ "keyturn.dev/recover-requested-at": new Date(Date.now() + 1000).toISOString() });
    await rotation.reaches("recovered", (now) => now.conditions.every(({ type }) => type !== "Stalled"));
    expect((await rotation.status()).ringGeneration).toBeGreaterThan(grown);
  });
});

describe("when all three objects are gone and the resource is new", () => {
  it("a gateway that remembers keeps a new ring from being made, until a recovery brings its keys", async () => {
    const [rotation] = await ringWithGateways();
    const { activeKid = "", ringGeneration = 0 } = await rotation.status();
    const { "jwks.json": jwks = "" } = await rotation.data("public");
    await admin.remove(rotation.path);
    await gone(rotation.path);
    for (const role of roles) await admin.remove(rotation.objectPath(role));
    const again = await makeRotation(scene.namespace, rotation.name, { ...quick, propagation: { minimum: "0s" } });
    await again.stalled("RingRolledBack");
    for (const role of roles) expect(await exists(again.objectPath(role))).toBe(false);
    await again.annotate({
      "keyturn.dev/recover-jwks": jwks,
      "keyturn.dev/recover-requested-at": new Date(Date.now() + 1000).toISOString(),
    });
    const status = await again.reaches("recovered", (now) => now.activeKid !== undefined);
    expect(status.ringGeneration).toBeGreaterThan(ringGeneration);
    expect(status.keys.find(({ kid }) => kid === activeKid)?.state).toBe("VerifyOnly");
  });
});
