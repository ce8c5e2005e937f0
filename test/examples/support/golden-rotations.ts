import type { KubeObject } from "../../../src/kube/object.ts";
import { withReport, withTrouble } from "../../../src/controller/status-report.ts";
import type { Observation } from "../../../src/ring/decide.ts";
import type { Because } from "../../../src/ring/lack.ts";
import { statusReport } from "../../../src/ring/status.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import { viewOf } from "../../../src/ring/view.ts";
import { resource, seeing } from "../../cluster/support/resources.ts";
import { active, omit, prepared, ringOf, silent, verifyOnly } from "../../support/rings.ts";
import { day, epoch, hour, minute, policy } from "../../support/story.ts";

/** A JwtKeyRotation as the controller leaves it behind in some state. */
export interface Golden {
  /** The reason that stands in its status for the state. */
  readonly reason: string;
  readonly object: KubeObject;
}

interface State extends Partial<Omit<Observation, "policy">> {
  readonly ring?: Ring;
  readonly policy?: Partial<Observation["policy"]>;
  readonly spec?: object;
  readonly unwritten?: Because;
}

/** What the real planner makes of it, as the controller reports it. */
function rotation({ ring = ringOf(), policy: edit, spec = {}, unwritten, ...change }: State): KubeObject {
  const made = resource({ spec: { ...(resource()["spec"] as object), ...spec } });
  const seen = seeing(ring, { ...change, policy: { ...policy, ...edit } });
  const report = statusReport(viewOf(seen, { ...(unwritten && { unwritten }) }));
  return withReport(made, { report, nowMs: seen.found.nowMs }, []) ?? made;
}

const golden = (reason: string, state: State): Golden => ({ reason, object: rotation(state) });

const reading = (ring: Ring) => ({ kind: "ring", ring, halves: ["k0", "k1", "k2"] }) as const;
const absent = { kind: "absent" } as const;
const found = (change: Partial<Observation["found"]> = {}): Observation["found"] => ({
  ...seeing().found,
  ...change,
});

const atRest = rotation({});
const young = ringOf({ signer: omit(active("k1"), "publishedAtMs") });
const unpublished = found({ ...{ ring: reading(young), signer: reading(young), public: absent }, nowMs: epoch });
const due = ringOf({ standby: prepared("k2", { publishedAtMs: epoch }) });
const k0 = verifyOnly("k0", { quiescedAtMs: epoch });
const late = { name: "gw-late", ready: true, ack: { generation: 99, verifies: ["k1"] } };
const patienceMs = policy.rotationWindowMs + policy.propagationMs;

const revoked = ringOf({
  ...{ signer: active("k2"), standby: prepared("k3") },
  revoked: [{ kid: "k1", revokedAtMs: epoch - minute }],
});

const pinned = (kid: string, ring: Partial<Ring>, more: State = {}): State => ({
  ...{ ring: ringOf(ring), policy: { pinnedKid: kid }, spec: { activeKid: kid } },
  ...more,
});

/** A stall that a pass could not even see for itself. */
const troubled = (reason: string): Golden => ({
  reason,
  object: withTrouble(atRest, { reason, message: "the API server says no" }, { nowMs: epoch }) ?? atRest,
});

/** Every state of the page on GitOps, under the name that it has there, with each of its reasons. */
export const goldenRotations: Readonly<Record<string, readonly Golden[]>> = {
  // The API server gives each a status
  "made, and not seen by a controller yet": [{ reason: "", object: resource({ status: { observedGeneration: -1 } }) }],
  "edited, and not seen since": [
    { reason: "", object: { ...atRest, metadata: { ...atRest.metadata, generation: 4 } } },
    // What it says is of the commit before
    { reason: "", object: { ...rotation({ clockTrusted: false }), metadata: { ...atRest.metadata, generation: 4 } } },
  ],
  "on its way": [
    golden("NoRing", { found: found({ ring: absent, signer: absent, public: absent }) }),
    golden("Publishing", {
      ...{ ring: young, gateways: [silent] },
      found: found({ ring: reading(young), signer: reading(young), public: reading(young), nowMs: epoch - 10 * day }),
    }),
    golden("ProjectionMissing", { found: found({ public: absent }) }),
    golden("GatewayBehind", { gateways: [silent] }),
    golden("SignerLost", {
      ring: ringOf({ signer: active("k1", { canSign: false }) }),
    }),
  ],
  "at rest": [
    golden("SignerPublished", {}),
    golden("Idle", { policy: { schedule: { kind: "onRequest" } } }),
    golden("AdoptionPending", { ring: ringOf({ signer: active("k1", { adoptedAtMs: 5, activatedAtMs: 5 }) }) }),
  ],
  "in a rotation": [
    golden("Activating", { ring: due, requests: ["spec:now"] }),
    golden("HandingOver", { ring: ringOf({ retiring: [verifyOnly("k0")] }), gateways: [late] }),
  ],
  suspended: [golden("Suspended", { policy: { suspend: true }, spec: { suspend: true } })],
  "suspended before its first key was published": [
    golden("Suspended", { ring: young, found: unpublished, policy: { suspend: true }, spec: { suspend: true } }),
  ],
  "pinned, and the key signs": [golden("Pinned", pinned("k1", {}))],
  "pinned, and the key is to sign": [golden("Activating", pinned("k0", { retiring: [k0] }, { gateways: [late] }))],
  "pinned to a key that can't sign": [
    golden("PinnedKeyUnknown", pinned("nobody", {})),
    golden("PinnedKeyCannotSign", pinned("k0", { retiring: [{ ...k0, canSign: false }] })),
    golden("PinnedKeyRevoked", pinned("k0", { revoked: [{ kid: "k0", revokedAtMs: epoch - hour }] })),
  ],
  "a revocation that not everybody has heard of": [
    golden("RevocationPending", {
      ring: revoked,
      policy: { revokedKids: [{ kid: "k1" }] },
      gateways: [{ name: "gw-1", ready: true, ack: { generation: 100, verifies: ["k1", "k2"], signs: "k2" } }],
    }),
  ],
  "a person must act": [
    golden("InvalidSpec", { refused: { reason: "InvalidSpec", message: "spec.rotation: no", holds: true } }),
    golden("SecretConflict", { found: found({ signer: { kind: "foreign", problem: "it has no labels" } }) }),
    golden("RingUnreadable", { found: found({ ring: { kind: "unreadable", problem: "not JSON" } }) }),
    golden("RingRolledBack", { found: found({ claims: [{ by: "gateway gw-1", generation: 200 }] }) }),
    golden("GatewaySilent", {
      ring: ringOf({ retiring: [verifyOnly("k0", { demotedAtMs: epoch - patienceMs - 1 })] }),
      gateways: [{ ...late, ack: { ...late.ack, verifies: ["k1", "k2"] } }],
    }),
    golden("ClockSkew", { clockTrusted: false }),
    golden("ApiRefused", { unwritten: { reason: "ApiRefused", message: "patch secrets: forbidden" } }),
    golden("SeveralControllers", { rival: { reason: "SeveralControllers", message: "two releases" } }),
    golden("Quarrel", { rival: { reason: "Quarrel", message: "100 writes in a minute" } }),
    troubled("ApiFailing"),
    troubled("ApiRefused"),
    troubled("RecoveryRefused"),
    // A stall counts before a pin that waits for its end
    golden("ClockSkew", pinned("k0", { retiring: [k0] }, { gateways: [late], clockTrusted: false })),
  ],
};
