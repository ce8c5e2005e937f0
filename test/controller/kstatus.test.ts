import { expect, it } from "vitest";
import type { KubeObject } from "../../src/kube/object.ts";
import { withTrouble } from "../../src/controller/status-report.ts";
import { active, omit, ringOf, silent } from "../support/rings.ts";
import { day, epoch, hour, policy } from "../support/story.ts";
import { reported, resource, seeing } from "../cluster/support/resources.ts";

/**
 * What Flux, Argo CD and others make of a custom resource.
 *
 * @see https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus
 */
function kstatus({ metadata, ...object }: KubeObject): "Current" | "InProgress" | "Failed" {
  const { observedGeneration, conditions = [] } = object["status"] as {
    observedGeneration?: number;
    conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  const is = (type: string, status: string): boolean =>
    conditions.some((one) => one.type === type && one.status === status);
  if (observedGeneration !== metadata.generation) return "InProgress";
  if (is("Stalled", "True")) return "Failed";
  if (is("Reconciling", "True")) return "InProgress";
  return is("Ready", "False") ? "InProgress" : "Current";
}

const after = (seen: Parameters<typeof reported>[1]): KubeObject => reported(resource(), seen, []) ?? resource();
const young = ringOf({ signer: omit(active("k1"), "publishedAtMs") });
const reading = { kind: "ring", ring: young, halves: ["k1", "k2"] } as const;
const rows: readonly (readonly [string, KubeObject, string])[] = [
  ["made, and not looked at", resource({ status: { observedGeneration: -1 } }), "InProgress"],
  ["edited since", { ...after(seeing()), metadata: { ...resource().metadata, generation: 4 } }, "InProgress"],
  ["at rest", after(seeing()), "Current"],
  [
    "in a healthy rotation",
    after(
      seeing(ringOf({ signer: active("k1", { activatedAtMs: epoch - 60 * day }) }), {
        requests: ["spec:x"],
        gateways: [],
      }),
    ),
    "Current",
  ],
  ["suspended", after(seeing(ringOf(), { policy: { ...policy, suspend: true } })), "Current"],
  ["pinned", after(seeing(ringOf(), { policy: { ...policy, pinnedKid: "k1" } })), "Current"],
  [
    "with a signer that not every verifier has",
    after({
      ...seeing(young, { gateways: [silent] }),
      found: { ...seeing(young).found, nowMs: epoch - 10 * day + hour, ring: reading },
    }),
    "InProgress",
  ],
  [
    "without a ring that can be read",
    after({ ...seeing(), found: { ...seeing().found, ring: { kind: "unreadable", problem: "it" } } }),
    "Failed",
  ],
  ["with a clock that is wrong", after(seeing(ringOf(), { clockTrusted: false })), "Failed"],
  [
    "refused by the API server",
    withTrouble(after(seeing()), { reason: "ApiRefused", message: "no" }, { nowMs: epoch }) ?? resource(),
    "Failed",
  ],
];

it.each(rows)("a rotation %s", (_, object, status) => {
  expect(kstatus(object)).toBe(status);
});
