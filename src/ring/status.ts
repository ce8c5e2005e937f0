import { type GatewayView, hasPromised } from "./ack.ts";
import type { Condition } from "./conditions.ts";
import { gateLine } from "./conditions.ts";
import { describeGate } from "./describe.ts";
import type { Algorithm, Key, Kid } from "./key.ts";
import { nextRotation } from "./next-rotation.ts";
import type { Gate, Plan, Step } from "./plan.ts";
import { keysOf, type Ring, type RingSettings } from "./ring.ts";
import { pruneAtMs } from "./rules/retire.ts";
import { type ObjectTrouble, troublesOf } from "./troubles.ts";
import type { View } from "./view.ts";
import { formatInstant } from "../parse/instant.ts";
import { apiVersion, rotations } from "../parse/api-names.ts";

/** A key as the status of a JwtKeyRotation has it. Instants are RFC 3339 in UTC. */
interface KeyReport {
  readonly kid: Kid;
  readonly algorithm: Algorithm;
  readonly state: "Prepared" | "Active" | "VerifyOnly";
  readonly createdTime: string;
  readonly publishedTime?: string;
  readonly activatedTime?: string;
  readonly demotedTime?: string;
  readonly quiescedTime?: string;
  /** When it leaves the ring; absent before it is quiesced. */
  readonly pruneTime?: string;
}

/** A step that is due or waits. */
export interface PlanReport {
  readonly step: Step["type"];
  readonly kid?: Kid;
  /** The latest of the instants that it waits for. */
  readonly notBefore?: string;
  /** One line for people; absent when the step is due. */
  readonly waitingFor?: string;
}

/** The status of a rotation, wherever it lives: the same fields as the status of the custom resource. */
export interface StatusReport {
  readonly conditions: readonly Condition[];
  readonly activeKid?: Kid;
  readonly keys: readonly KeyReport[];
  readonly lastRotationTime?: string;
  readonly nextRotationTime?: string;
  readonly lastHandledRequestID?: string;
  readonly ringGeneration?: number;
  /** What is wrong with the ring, signer or public object; empty while nothing is. */
  readonly objects: readonly ObjectTrouble[];
  readonly gateways: {
    readonly expected: number;
    readonly acknowledged: number;
    readonly waitingFor: readonly string[];
  };
  readonly waitingFor?: string;
  readonly plan: readonly PlanReport[];
  readonly revocations: readonly { readonly kid: Kid; readonly time: string; readonly acknowledged: boolean }[];
}

/** The document that `status -o json` and `-o yaml` print: shaped as `kubectl get jkr -o json` has it. */
export interface StatusDocument {
  readonly apiVersion: typeof apiVersion;
  readonly kind: typeof rotations.kind;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly status: StatusReport;
}

const mostNames = 10;
const mostSteps = 6;
const mostRevocations = 64;

export const statusDocument = (view: View): StatusDocument => ({
  apiVersion,
  kind: rotations.kind,
  metadata: { name: view.seen.rotation.name, namespace: view.seen.rotation.namespace },
  status: statusReport(view),
});

export function statusReport(view: View): StatusReport {
  const { ring, decision } = view;
  const plan = decision.kind === "plan" ? decision.plan : undefined;
  const waitingFor = decision.kind === "plan" ? waitingLine(decision.plan) : decision.message;
  return {
    conditions: view.conditions.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
    ...(ring && { activeKid: ring.signer.kid }),
    keys: ring ? keysOf(ring).map((key) => keyReport(key, ring.settings)) : [],
    ...(ring && { lastRotationTime: formatInstant(ring.signer.activatedAtMs) }),
    ...rotationTime(view),
    ...lastRequest(ring),
    ...(ring && { ringGeneration: ring.generation }),
    objects: troublesOf(view.seen.found),
    gateways: gatewaysOf(view),
    ...(waitingFor !== undefined && { waitingFor }),
    plan: plan ? planReport(plan).slice(0, mostSteps) : [],
    revocations: ring ? revocationsOf(view, ring) : [],
  };
}

/** While something is due nothing is waited for: its gates are those of keys that don't exist yet. */
const waitingLine = ({ steps, gates }: Plan): string | undefined => (steps.length > 0 ? undefined : gateLine(gates));

const states = { prepared: "Prepared", active: "Active", "verify-only": "VerifyOnly" } as const;

/** Public facts, one by one: nothing of a key gets out because it happens to stand in the object. */
function keyReport(key: Key, settings: RingSettings): KeyReport {
  const { kid, profile, createdAtMs, publishedAtMs } = key;
  const activatedAtMs = key.state === "prepared" ? undefined : key.activatedAtMs;
  const quiescedAtMs = key.state === "verify-only" ? key.quiescedAtMs : undefined;
  return {
    kid,
    algorithm: profile.algorithm,
    state: states[key.state],
    createdTime: formatInstant(createdAtMs),
    ...(publishedAtMs !== undefined && { publishedTime: formatInstant(publishedAtMs) }),
    ...(activatedAtMs !== undefined && { activatedTime: formatInstant(activatedAtMs) }),
    ...(key.state === "verify-only" && { demotedTime: formatInstant(key.demotedAtMs) }),
    ...(quiescedAtMs !== undefined && { quiescedTime: formatInstant(quiescedAtMs) }),
    ...(key.state === "verify-only" &&
      quiescedAtMs !== undefined && { pruneTime: formatInstant(pruneAtMs(key, quiescedAtMs, settings)) }),
  };
}

function rotationTime(view: View): Pick<StatusReport, "nextRotationTime"> {
  const { atMs } = nextRotation(view);
  return atMs === undefined ? {} : { nextRotationTime: formatInstant(atMs) };
}

/** Without its origin (`spec:`, `annotation:`). */
function lastRequest(ring: Ring | undefined): Pick<StatusReport, "lastHandledRequestID"> {
  const last = ring?.handledRequests.at(-1);
  return last === undefined ? {} : { lastHandledRequestID: last.replace(/^[a-z]+:/, "") };
}

/** Whose word gates the barriers. */
const expected = ({ seen: { policy, gateways } }: View): readonly GatewayView[] =>
  policy.acknowledgements === "Ignored" ? [] : gateways;

function gatewaysOf(view: View): StatusReport["gateways"] {
  const all = expected(view);
  const generation = view.ring?.generation ?? Infinity;
  const behind = all.filter((g) => (g.ack?.generation ?? 0) < generation);
  return {
    expected: all.length,
    acknowledged: all.length - behind.length,
    waitingFor: behind.map((g) => g.name).slice(0, mostNames),
  };
}

/** What is due, and then what waits, the soonest first. */
export function planReport(plan: Plan): readonly PlanReport[] {
  const due = plan.steps.map((step): PlanReport => ({
    step: step.type,
    ...("kid" in step && { kid: step.kid }),
    notBefore: formatInstant(plan.nowMs),
  }));
  const waiting = plan.gates.toSorted((a, b) => notBeforeMs(a) - notBeforeMs(b)).map(gateReport);
  return [...due, ...waiting];
}

function gateReport(gate: Gate): PlanReport {
  const atMs = notBeforeMs(gate);
  return {
    step: gate.step,
    ...(gate.kid !== undefined && { kid: gate.kid }),
    ...(atMs > 0 && { notBefore: formatInstant(atMs) }),
    waitingFor: describeGate(gate),
  };
}

/** The latest of the instants that the gate waits for; 0 when it waits for none. */
export const notBeforeMs = (gate: Gate): number =>
  Math.max(0, ...gate.waitsFor.flatMap((b) => (b.kind === "time" ? [b.untilMs] : [])));

/** The newest first. Acknowledged: every expected gateway says that it does not accept the kid, or takes no traffic before it has read so. */
function revocationsOf(view: View, { revoked }: Ring): StatusReport["revocations"] {
  return revoked
    .toReversed()
    .slice(0, mostRevocations)
    .map(({ kid, revokedAtMs }) => ({
      kid,
      time: formatInstant(revokedAtMs),
      acknowledged: expected(view).every((g) => hasPromised(g) || refuses(g, kid)),
    }));
}

const refuses = ({ ack }: GatewayView, kid: Kid): boolean =>
  ack !== undefined && ack.generation > 0 && !ack.verifies.includes(kid);
