import type { Decision } from "./decide.ts";
import { describeGate, describeStep, shortKid } from "./describe.ts";
import { conflictOf } from "./found.ts";
import { type Because, lackOf } from "./lack.ts";
import { heldText, type PinFacts, setByText } from "./pin-facts.ts";
import { silentFromMs } from "./silence.ts";
import type { Blocker, Gate, Plan, PlanInput, Refusal } from "./plan.ts";
import { keysOf, type Ring } from "./ring.ts";

/** A condition as the Kubernetes API conventions have it; the shell adds the instant of the last transition. */
export interface Condition {
  readonly type: "Ready" | "Rotating" | "Suspended" | "Pinned" | "Reconciling" | "Stalled" | "RevocationPending";
  readonly status: "True" | "False";
  /** Stable, UpperCamelCase. */
  readonly reason: string;
  /** One line for people. Never key material. */
  readonly message: string;
}

/**
 * What the conditions of a rotation are after a pass. `Reconciling` and `Stalled` are present only while True;
 * `Stalled` means that a person must act, and takes `Ready` with it.
 */
export function conditionsOf(decision: Decision, suspended: boolean, besides: Besides = {}): readonly Condition[] {
  const conditions = withoutRevocations(decision, suspended, besides);
  if (besides.pending === undefined) return conditions;
  const because = { reason: "RevocationPending", message: besides.pending };
  const [ready, ...others] = conditions;
  const unready =
    ready?.status === "False" ? [ready] : [condition("Ready", false, because), condition("Reconciling", true, because)];
  return [...unready, ...others, condition("RevocationPending", true, because)];
}

function withoutRevocations(
  decision: Decision,
  suspended: boolean,
  { refused, unwritten, rival, pin }: Besides,
): readonly Condition[] {
  if (decision.kind === "stalled") {
    const { reason, message } = decision;
    return [...stalledBy(both({ reason, message }, united([refused, rival]))), suspension(suspended)];
  }
  const { input, plan } = decision;
  const { stored } = input;
  const trouble = united([troubleOf(input, plan), unwritten, rival]);
  if (stored.kind !== "ring") {
    const [first] = plan.steps;
    const message = first ? describeStep(first) : gateLine(plan.gates);
    const waiting = { reason: "NoRing", message: message ?? "there is no ring yet" };
    return trouble
      ? [...stalledBy(trouble), suspension(suspended)]
      : [condition("Ready", false, waiting), condition("Reconciling", true, waiting), suspension(suspended)];
  }
  const rotating = rotationOf(stored.ring, plan);
  const pinned = pinOf(input, stored.ring, pin);
  if (trouble) return [...stalledBy(trouble), rotating, pinned, suspension(suspended)];
  const lack = lackOf(stored.ring, input, plan);
  const ready: readonly Condition[] = lack
    ? [condition("Ready", false, lack), condition("Reconciling", true, lack)]
    : [
        condition("Ready", true, {
          reason: "SignerPublished",
          message: `key ${shortKid(stored.ring.signer.kid)} signs, and every verifier accepts it`,
        }),
      ];
  return [...ready, rotating, pinned, suspension(suspended)];
}

/** What is wrong, or known, beside what was found. */
export interface Besides {
  /** What was written down, and is not in force. */
  readonly refused?: Refusal | undefined;
  /** Why one of the three objects could not be written, which a person must mend. */
  readonly unwritten?: Because | undefined;
  /** Another controller acts on the same rotation, or somebody undoes what is written. */
  readonly rival?: Because | undefined;
  /** Revocations that are not carried out, in one line. */
  readonly pending?: string | undefined;
  /** Who has pinned the signer, and since when; absent where that can't be known. */
  readonly pin?: PinFacts | undefined;
}

/** Both are said; the first gives the reason. */
const both = ({ reason, message }: Because, besides: Because | undefined): Because => ({
  reason,
  message: besides ? `${message}; besides, ${besides.message}` : message,
});

/** All are said; the first gives the reason. */
function united(troubles: readonly (Because | undefined)[]): Because | undefined {
  const [first, ...others] = troubles.filter((one) => one !== undefined);
  return first && others.reduce(both, first);
}

const condition = (type: Condition["type"], holds: boolean, because: Because): Condition => ({
  type,
  status: holds ? "True" : "False",
  ...because,
});

const stalledBy = (because: Because): readonly Condition[] => [
  condition("Ready", false, because),
  condition("Stalled", true, because),
];

const suspension = (suspended: boolean): Condition =>
  suspended
    ? condition("Suspended", true, { reason: "Suspended", message: "only revocation runs until the suspension ends" })
    : condition("Suspended", false, { reason: "NotSuspended", message: "the rotation runs" });

// --- Ready and Stalled ------------------------------------------------------------------------

/** What does not mend itself. */
function troubleOf({ stored, clockTrusted, refused, policy, nowMs }: PlanInput, plan: Plan): Because | undefined {
  const [conflict] = stored.kind === "ring" ? (stored.conflicts ?? []) : [];
  const spec = refused && { reason: refused.reason, message: refusalText(refused) };
  if (conflict) return both(conflictOf(conflict), spec);
  if (spec) return spec;
  if (!clockTrusted) {
    return {
      reason: "ClockSkew",
      message: "the clock is not to be trusted; only revocation runs until it is set right",
    };
  }
  const silent = plan.gates.find((g) => nowMs > (silentFromMs(g, policy) ?? Infinity));
  if (!silent) return undefined;
  const remedy = "repair or delete the pod, or set propagation.acknowledgements to Ignored";
  return { reason: "GatewaySilent", message: `${describeGate(silent)}; ${remedy}` };
}

const refusalText = ({ message, holds }: Refusal): string =>
  holds ? `${message}; until it is mended only revocation runs` : message;

// --- Rotating and Pinned ----------------------------------------------------------------------

function rotationOf(ring: Ring, plan: Plan): Condition {
  const next = plan.gates.find((g) => g.step === "activate");
  if (next?.waitsFor.some((b) => b.kind === "adoption"))
    return condition("Rotating", false, { reason: "AdoptionPending", message: describeGate(next) });
  if (next && !next.waitsFor.some(isIdle))
    return condition("Rotating", true, { reason: "Activating", message: describeGate(next) });
  const leaving = ring.retiring.find((k) => k.quiescedAtMs === undefined && k.activatedAtMs !== undefined);
  if (leaving) {
    const gate = plan.gates.find((g) => g.step === "quiesce" && g.kid === leaving.kid);
    const message = gate ? describeGate(gate) : `key ${shortKid(leaving.kid)} is being demoted`;
    return condition("Rotating", true, { reason: "HandingOver", message });
  }
  const message = next ? describeGate(next) : "rotation is on request only";
  return condition("Rotating", false, { reason: "Idle", message });
}

/** Waiting for these is no rotation in progress. */
const isIdle = (b: Blocker): boolean =>
  b.kind === "time" ? b.of === "schedule" : idleKinds.some((kind) => kind === b.kind);
const idleKinds = ["pinned", "pinUnknown", "pinCannotSign", "suspended", "refused", "clock", "conflict"] as const;

function pinOf({ policy, nowMs }: PlanInput, ring: Ring, pin: PinFacts | undefined): Condition {
  const { pinnedKid } = policy;
  if (pinnedKid === undefined)
    return condition("Pinned", false, { reason: "NotPinned", message: "the schedule decides" });
  const name = `key ${shortKid(pinnedKid)}`;
  const by = setByText(pin);
  const key = keysOf(ring).find((k) => k.kid === pinnedKid);
  if (ring.revoked.some((r) => r.kid === pinnedKid)) {
    return condition("Pinned", false, {
      reason: "PinnedKeyRevoked",
      message: `${name} is revoked; rotation goes on as if unpinned${by}`,
    });
  }
  if (!key)
    return condition("Pinned", false, { reason: "PinnedKeyUnknown", message: `${name} is not in the ring${by}` });
  if (!key.canSign)
    return condition("Pinned", false, {
      reason: "PinnedKeyCannotSign",
      message: `the private half of ${name} is gone${by}`,
    });
  if (key.state !== "active")
    return condition("Pinned", false, { reason: "Activating", message: `${name} is not the signer yet${by}` });
  const held = heldText(pin, policy, nowMs);
  return condition("Pinned", true, {
    reason: "Pinned",
    message: `${name} stays the signer until it is unpinned${held}`,
  });
}

// --- one line ---------------------------------------------------------------------------------

/** The gate that a person would ask about first: barriers before waits, the schedule last. */
export function gateLine(gates: readonly Gate[]): string | undefined {
  const rank = (g: Gate): number => {
    if (g.waitsFor.some((b) => b.kind === "gateway")) return 0;
    if (g.waitsFor.some((b) => b.kind !== "time")) return 1;
    return g.step === "activate" ? 2 : 3;
  };
  const first = [...gates].filter((g) => g.waitsFor.length > 0).sort((a, b) => rank(a) - rank(b))[0];
  return first && `${first.step}${first.kid === undefined ? "" : ` ${shortKid(first.kid)}`}: ${describeGate(first)}`;
}
