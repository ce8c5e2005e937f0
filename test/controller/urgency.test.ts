import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/kube/object.ts";
import { urgencyOf } from "../../src/controller/urgency.ts";

const resource = (spec: object, status?: object): KubeObject => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "JwtKeyRotation",
  metadata: { name: "demo", generation: 2 },
  spec,
  ...(status && { status }),
});
const revoking = { revokedKids: [{ kid: "k1" }] };
const pending = [{ type: "RevocationPending", status: "True", reason: "a", message: "b", lastTransitionTime: "" }];

describe("urgencyOf", () => {
  it.each([
    ["a revocation that no pass has seen", revoking, { observedGeneration: 1 }],
    ["a revocation on which nobody has ever reported", revoking, undefined],
    ["a cutoff that no pass has seen", { revokeKeysCreatedBefore: "2026-11-21T10:00:00Z" }, { observedGeneration: 1 }],
    ["a revocation that is said to be pending", revoking, { observedGeneration: 2, conditions: pending }],
  ])("is an emergency: %s", (_, spec, status) => {
    expect(urgencyOf(resource(spec, status))).toBe("emergency");
  });

  it.each([
    ["a revocation that was carried out", revoking, { observedGeneration: 2 }],
    ["an edit that revokes nothing", { revokedKids: [] }, { observedGeneration: 1 }],
    ["no spec at all", {}, undefined],
  ])("is ordinary: %s", (_, spec, status) => {
    expect(urgencyOf(resource(spec, status))).toBe("ordinary");
  });

  it("is ordinary for a resource that is gone", () => expect(urgencyOf(undefined)).toBe("ordinary"));
});
