import { describe, expect, test } from "vitest";
import { keeperBy } from "../../../src/cluster/home/cluster-keeper.ts";
import { freeLease, newLease } from "../../../src/runtime/lease.ts";
import type { KubeObject } from "../../../src/kube/object.ts";
import { epoch, second } from "../../support/story.ts";

const ref = { namespace: "keyturn-system", name: "keyturn-controller" };
const held = (identity = "controller-7d9-abc_9a2b"): KubeObject =>
  newLease(ref, { identity, durationMs: 15_000, nowMs: epoch }) as KubeObject;
const by = (lease: KubeObject, afterMs: number) =>
  keeperBy(lease, "keyturn-system/keyturn-controller", epoch + afterMs);
const remedy = "look at the controller's pods and their logs";

describe("keeperBy a Lease", () => {
  test.each([
    ["just now", 0],
    ["by a clock that is ahead", -20 * second],
    ["until its end and half a minute have passed", 45 * second],
  ])("is its holder when it was renewed %s", (_, afterMs) => {
    expect(by(held(), afterMs)).toEqual({ kind: "acts", who: "controller controller-7d9-abc" });
  });

  test("is nobody a moment later, and says since when", () => {
    expect(by(held(), 45 * second + 1)).toEqual({
      kind: "nobody",
      why: "controller controller-7d9-abc has not renewed the Lease keyturn-system/keyturn-controller since 2026-11-21T00:00:00.000Z",
      remedy,
    });
  });

  test("can't be told between two holders, and is nobody when none comes", () => {
    const free = freeLease(held(), epoch);
    expect(by(free, second)).toMatchObject({ kind: "unknown" });
    expect(by(free, 32 * second)).toEqual({
      kind: "nobody",
      why: "no controller holds the Lease keyturn-system/keyturn-controller since 2026-11-21T00:00:00.000Z",
      remedy,
    });
  });

  test("is nobody by a Lease that says nothing", () => {
    expect(by({ ...held(), spec: {} }, 0)).toMatchObject({ kind: "nobody" });
  });
});
