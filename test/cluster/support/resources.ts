import type { KubeObject } from "../../../src/kube/object.ts";
import { type Deed, withReport } from "../../../src/controller/status-report.ts";
import type { Observation } from "../../../src/ring/decide.ts";
import { statusReport, type StatusReport } from "../../../src/ring/status.ts";
import { viewOf } from "../../../src/ring/view.ts";
import { parseRotation, type Rotation } from "../../../src/ring/resource/rotation.ts";
import { keysOf, type Ring } from "../../../src/ring/ring.ts";
import { epoch, policy } from "../../support/story.ts";
import { ringOf } from "../../support/rings.ts";

/** A JwtKeyRotation as the API server has it. */
export const resource = (change: Partial<KubeObject> = {}, metadata: object = {}): KubeObject => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "JwtKeyRotation",
  metadata: { namespace: "default", name: "gateway", uid: "uid-1", generation: 3, resourceVersion: "7", ...metadata },
  spec: { secretName: "keys", tokens: { issuer: "https://issuer.example", audiences: ["api"] } },
  ...change,
});

export const rotationOf = (spec: object = {}): Rotation =>
  parseRotation(resource({ spec: { ...(resource()["spec"] as object), ...spec } }));

/** What a pass sees of a ring that stands in all three objects. */
export function seeing(ring: Ring = ringOf(), change: Partial<Observation> = {}): Observation {
  const reading = { kind: "ring", ring, halves: keysOf(ring).map(({ kid }) => kid) } as const;
  return {
    rotation: { namespace: "default", name: "gateway" },
    policy,
    requests: [],
    gateways: [],
    found: { ring: reading, signer: reading, public: reading, claims: [], nowMs: epoch },
    clockTrusted: true,
    ...change,
  };
}

/** {@link withReport} of an observation, as a pass has it. */
export const reported = (object: KubeObject, seen: Observation, deeds: readonly Deed[]): KubeObject | undefined =>
  withReport(object, { report: reportOf(seen), nowMs: seen.found.nowMs }, deeds);

export const reportOf = (seen: Observation): StatusReport => statusReport(viewOf(seen));
