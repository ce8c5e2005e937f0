import { describe, expect, it } from "vitest";
import type { KubeClient } from "../../src/kube/client.ts";
import { readGateways } from "../../src/cluster/gateways.ts";
import { KnownGateways } from "../../src/cluster/known-gateways.ts";
import type { KubeObject } from "../../src/kube/object.ts";
import { type CacheChange, ObjectCache } from "../../src/kube/object-cache.ts";

const ref = { namespace: "shop", name: "gateway" };
const labels = { "keyturn.dev/rotation": "gateway" };

let version = 0;
const metadataOf = (name: string, more: object): KubeObject["metadata"] => ({
  ...{ name, namespace: "shop", uid: `uid-${name}`, resourceVersion: String(++version), labels },
  ...more,
});
const pod = (name: string, phase = "Running", more: object = {}): KubeObject => ({
  ...{ apiVersion: "v1", kind: "Pod", metadata: metadataOf(name, more) },
  status: { phase, startTime: "2026-11-22T10:00:00Z", conditions: [{ type: "Ready", status: "True" }] },
});
const ack = (podName: string, generation = 7, more: object = {}): KubeObject => ({
  ...{ apiVersion: "keyturn.dev/v1alpha1", kind: "KeyRingAck" },
  metadata: metadataOf(`uid-${podName}.gateway`, more),
  ...{ rotation: "gateway", podName, generation, verifies: ["k1"], signs: "k1" },
});

/** Two watches, and what they make known. */
function watching() {
  const known = new KnownGateways();
  const [pods, acks] = [new ObjectCache(), new ObjectCache()];
  const cacheOf = ({ kind }: KubeObject): ObjectCache => (kind === "Pod" ? pods : acks);
  const tell = ({ kind }: KubeObject, change: CacheChange | undefined): void => {
    if (change && kind === "Pod") known.podChanged(change);
    else if (change) known.ackChanged(change);
  };
  return {
    known,
    put: (object: KubeObject): void => tell(object, cacheOf(object).put(object)),
    remove: (object: KubeObject): void => tell(object, cacheOf(object).remove(object)),
    /** What a live reading of the same says. */
    read: () => {
      const list = ({ kind }: { kind: string }) =>
        Promise.resolve({ items: (kind === "Pod" ? pods : acks).list(), resourceVersion: "1" });
      return readGateways({ list } as unknown as KubeClient, ref);
    },
  };
}

describe("KnownGateways", () => {
  it("has nobody of a rotation of which nothing was heard", () => {
    expect(watching().known.of(ref)).toEqual({ gateways: [], warnings: [] });
  });

  it("has what a live reading of the same objects has, after each change", async () => {
    const { known, put, remove, read } = watching();
    const changes = [
      () => put(pod("b")),
      () => put(pod("a", "Pending")),
      () => put(ack("b")),
      () => put(ack("a", 0)),
      () => put(ack("b", 8)),
      () => put(pod("a", "Succeeded")),
      () => remove(pod("b")),
    ];
    for (const change of changes.slice(0, -1)) {
      change();
      expect(known.of(ref)).toEqual(await read());
    }
    changes.at(-1)?.();
    // Its ack names a pod that may have lost its label alone: whoever wants to know must ask
    expect(known.of(ref)).toBeUndefined();
    remove(ack("b"));
    expect(known.of(ref)).toEqual(await read());
  });

  it("does not know what an ack says that does not count: a reading tells why", () => {
    const { known, put } = watching();
    put(pod("a"));
    put(ack("a", -1));
    expect(known.of(ref)).toBeUndefined();
  });

  it("follows an object whose label names another rotation than before", () => {
    const { known, put } = watching();
    put(pod("a"));
    put(pod("a", "Running", { labels: { "keyturn.dev/rotation": "other" } }));
    expect(known.of(ref)?.gateways).toEqual([]);
    expect(known.of({ ...ref, name: "other" })?.gateways).toHaveLength(1);
    expect(known.of({ ...ref, namespace: "elsewhere", name: "other" })?.gateways).toEqual([]);
  });
});
