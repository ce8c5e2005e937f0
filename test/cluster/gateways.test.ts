import { describe, expect, it } from "vitest";
import type { KubeClient } from "../../src/kube/client.ts";
import { ApiError, StoppedError } from "../../src/kube/kube-errors.ts";
import type { KubeObject } from "../../src/kube/object.ts";
import { readGateways } from "../../src/cluster/gateways.ts";

const ref = { namespace: "shop", name: "gateway" };

const pod = (name: string, status: object): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "shop", uid: `uid-${name}` },
  status,
});
const ackOf = (podName: string, more: object = {}): KubeObject => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "KeyRingAck",
  metadata: { name: `uid-${podName}.gateway`, namespace: "shop" },
  rotation: "gateway",
  podName,
  generation: 7,
  verifies: ["k1"],
  signs: "k1",
  ...more,
});
const ack = { generation: 7, verifies: ["k1"], signs: "k1" };
const running = { phase: "Running", startTime: "2026-11-22T10:00:00Z" };

/** Pods that the label finds, pods that only their name finds, and acks. */
function reading(
  labelled: readonly KubeObject[],
  acks: readonly KubeObject[] = [],
  others: readonly KubeObject[] = [],
) {
  const client = {
    list: (resource: { kind: string }) =>
      Promise.resolve({ items: resource.kind === "Pod" ? labelled : acks, resourceVersion: "1" }),
    find: (_: unknown, { name }: { name: string }) =>
      Promise.resolve(others.find(({ metadata }) => metadata.name === name)),
  };
  return readGateways(client as unknown as KubeClient, ref);
}

describe("readGateways", () => {
  const states: readonly (readonly [string, object, string])[] = [
    ["Running", running, "counts"],
    ["Unknown", { phase: "Unknown" }, "counts"],
    ["Pending", { phase: "Pending" }, "does not count"],
    ["without a status", {}, "does not count"],
    [
      "Pending with a sidecar that runs",
      {
        phase: "Pending",
        initContainerStatuses: [{ name: "keyturn", state: { running: { startedAt: "2026-11-22T10:00:00Z" } } }],
      },
      "counts",
    ],
    [
      "Pending with a container that waits",
      { phase: "Pending", containerStatuses: [{ state: { waiting: {} } }] },
      "does not count",
    ],
    ["Succeeded", { phase: "Succeeded" }, "does not count"],
    ["Failed", { phase: "Failed" }, "does not count"],
  ];
  it.each(states)("a pod that is %s", async (_, status, expected) => {
    const { gateways } = await reading([pod("a", status)]);
    expect(gateways.length === 1 ? "counts" : "does not count").toBe(expected);
  });

  it("takes a Pending pod that acknowledged for one that runs, but not one that has ended", async () => {
    expect((await reading([pod("a", { phase: "Pending" })], [ackOf("a")])).gateways).toMatchObject([
      { name: "a", ack },
    ]);
    expect((await reading([pod("a", { phase: "Failed" })], [ackOf("a")])).gateways).toEqual([]);
  });

  it("is ready when the pod is", async () => {
    const at = (status: string) => ({ ...running, conditions: [{ type: "Ready", status }] });
    const { gateways } = await reading([pod("b", at("True")), pod("a", at("False")), pod("c", running)]);
    expect(gateways.map(({ name, ready }) => `${name} ${ready}`)).toEqual(["a false", "b true", "c false"]);
  });

  it("counts patience from the pod's start, or else from its creation, however often its container begins anew", async () => {
    const startedAt = "2026-11-22T11:00:00Z";
    const own = { ...running, containerStatuses: [{ name: "keyturn", state: { running: { startedAt } } }] };
    const other = { ...running, containerStatuses: [{ name: "app", state: { running: { startedAt } } }] };
    const bare = pod("c", { phase: "Running" });
    const made = pod("d", { phase: "Running" });
    const metadata = { ...made.metadata, creationTimestamp: "2026-11-22T09:59:00Z" };
    const { gateways } = await reading([pod("a", own), pod("b", other), bare, { ...made, metadata }]);
    expect(gateways.map(({ runningSinceMs, restartedAtMs }) => [runningSinceMs, restartedAtMs])).toEqual([
      [Date.parse("2026-11-22T10:00:00Z"), Date.parse(startedAt)],
      [Date.parse("2026-11-22T10:00:00Z"), undefined],
      [undefined, undefined],
      [Date.parse("2026-11-22T09:59:00Z"), undefined],
    ]);
  });

  const waiting = { waiting: { reason: "CrashLoopBackOff" } };
  const ended = { terminated: { exitCode: 1 } };
  it.each<[string, object, number]>([
    ["runs", { state: { running: {} } }, 1],
    ["waits to be started again", { state: waiting, lastState: ended }, 1],
    ["has just ended", { state: ended }, 1],
    ["has never begun", { state: { waiting: { reason: "ImagePullBackOff" } }, lastState: {} }, 0],
    ["says nothing of itself", {}, 0],
  ])("a Running pod whose gateway %s", async (_, container, count) => {
    const status = {
      ...running,
      containerStatuses: [
        { name: "app", state: { running: {} } },
        { name: "keyturn", ...container },
      ],
    };
    expect((await reading([pod("a", status)])).gateways).toHaveLength(count);
    expect((await reading([pod("a", status)], [ackOf("a")])).gateways).toHaveLength(1);
  });

  it("finds a pod without the label by its ack, if it is that very pod", async () => {
    expect((await reading([], [ackOf("a")], [pod("a", running)])).gateways).toMatchObject([{ name: "a", ack }]);
    const another = { ...pod("a", running), metadata: { name: "a", uid: "uid-new" } };
    expect((await reading([], [ackOf("a")], [another])).gateways).toEqual([]);
    expect((await reading([], [ackOf("a")])).gateways).toEqual([]);
  });

  const bad: readonly (readonly [string, KubeObject, string])[] = [
    [
      "about another rotation",
      ackOf("a", { rotation: "other" }),
      "must be named <pod uid>.gateway and be about this rotation",
    ],
    ["with a name of no pod", { ...ackOf("a"), metadata: { name: "gateway" } }, "must be named <pod uid>.gateway"],
    ["without a generation", ackOf("a", { generation: undefined }), "$.generation"],
    ["with a negative generation", ackOf("a", { generation: -1 }), "$.generation"],
    ["with too many keys", ackOf("a", { verifies: Array.from({ length: 33 }, (_, i) => `k${i}`) }), "$.verifies"],
  ];
  it.each(bad)("does not count an ack %s, and says so: its gateway is silent", async (_, wrong, reason) => {
    const { gateways, warnings } = await reading([pod("a", running)], [wrong]);
    expect(gateways).toMatchObject([{ name: "a" }]);
    expect(gateways[0]).not.toHaveProperty("ack");
    expect(warnings).toEqual([expect.stringContaining(reason)]);
  });
});

describe("readGateways that may not see all", () => {
  const refused = new ApiError({ action: "list", status: 403, reason: "Forbidden", causes: [] }, "Cannot list");
  const whoever = { name: "whoever can't be seen", ready: true };

  /** With a list that fails, of this kind. */
  const blindTo = (kind: string, error: Error) => {
    const items = (of: string) => (of === "Pod" ? [pod("a", running)] : [ackOf("a"), ackOf("b")]);
    const client = {
      list: (resource: { kind: string }) =>
        resource.kind === kind ? Promise.reject(error) : Promise.resolve({ items: items(resource.kind) }),
      find: () => Promise.resolve(undefined),
    };
    return readGateways(client as unknown as KubeClient, ref);
  };

  it("counts whoever acknowledged, and one that did not, where it sees no pods", async () => {
    const { gateways, unseen } = await blindTo("Pod", refused);
    expect(gateways).toEqual([{ name: "a", ready: true, ack }, { name: "b", ready: true, ack }, whoever]);
    expect(unseen).toBe(refused);
  });

  it("counts the pods, and one that did not acknowledge, where it sees no acks", async () => {
    const { gateways, unseen } = await blindTo("KeyRingAck", refused);
    expect(gateways).toMatchObject([{ name: "a" }, whoever]);
    expect(gateways.map((one) => one.ack)).toEqual([undefined, undefined]);
    expect(unseen).toBe(refused);
  });

  it("says that it was stopped", async () => {
    await expect(blindTo("Pod", new StoppedError("list pods"))).rejects.toThrow(StoppedError);
  });
});
