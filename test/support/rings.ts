import type { GatewayView } from "../../src/ring/ack.ts";
import { formatDuration } from "../../src/parse/duration.ts";
import type { ActiveKey, Kid, PreparedKey, VerifyOnlyKey } from "../../src/ring/key.ts";
import type { Blocker, Plan, PlanInput, Policy } from "../../src/ring/plan.ts";
import { planRotation } from "../../src/ring/planner.ts";
import { keysOf, type Ring, type RingSettings } from "../../src/ring/ring.ts";
import { day, epoch, hour, minute, policy, projectionOf } from "./story.ts";

/** What the policy of the stories asks for. */
export const settings: RingSettings = {
  clockSkewMs: minute,
  jwksMaxAgeMs: 15 * minute,
  mintMaxTTLMs: hour,
  rotationWindowMs: 2 * hour,
};

const facts = {
  profile: policy.profile,
  createdAtMs: epoch - 10 * day,
  waitMs: 30 * minute,
  publishedAtMs: epoch - 9 * day,
  canSign: true,
};

/** Signs since eight days ago. */
export const active = (kid: Kid, change: Partial<ActiveKey> = {}): ActiveKey => ({
  ...facts,
  activatedAtMs: epoch - 8 * day,
  windowMs: 2 * hour,
  ...change,
  kid,
  state: "active",
});

/** Published nine days ago. */
export const prepared = (kid: Kid, change: Partial<PreparedKey> = {}): PreparedKey => ({
  ...facts,
  ...change,
  kid,
  state: "prepared",
});

/** Demoted a minute ago, in generation 100, and not yet quiesced. */
export const verifyOnly = (kid: Kid, change: Partial<VerifyOnlyKey> = {}): VerifyOnlyKey => ({
  ...facts,
  activatedAtMs: epoch - 8 * day,
  windowMs: 2 * hour,
  demotedAtMs: epoch - minute,
  demotedInGeneration: 100,
  ...change,
  kid,
  state: "verify-only",
});

/** `count` keys that wait for the end of their windows. */
export const leaving = (count: number): readonly VerifyOnlyKey[] =>
  Array.from({ length: count }, (_, i) => verifyOnly(`v${i + 1}`, { quiescedAtMs: epoch }));

/** A ring at rest: k1 signs, k2 stands by, both published long ago. */
export const ringOf = (change: Partial<Ring> = {}): Ring => ({
  rotation: { namespace: "default", name: "gateway" },
  generation: 100,
  settings,
  signer: active("k1"),
  standby: prepared("k2"),
  retiring: [],
  revoked: [],
  handledRequests: [],
  ...change,
});

/** {@link ringOf} between two keys: nothing stands by. */
export const withoutStandby = (change: Partial<Ring> = {}): Ring => omit(ringOf(change), "standby");

/** The object without one of its members. */
export function omit<T extends object, M extends keyof T>(object: T, member: M): Omit<T, M> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== member)) as Omit<T, M>;
}

/** What a pass finds otherwise than {@link inputOf} has it. */
export type Change = Partial<Omit<PlanInput, "policy">> & { readonly policy?: Partial<Policy> };

/** A pass over a ring whose projections show it, without gateways, at the epoch. */
export const inputOf = (ring: Ring, { policy: edit, ...change }: Change = {}): PlanInput => ({
  rotation: ring.rotation,
  policy: { ...policy, ...edit },
  stored: { kind: "ring", ring, projections: { signer: projectionOf(ring), public: projectionOf(ring) } },
  requests: [],
  gateways: [],
  clockTrusted: true,
  nowMs: epoch,
  ...change,
});

export const planFor = (ring: Ring, change: Change = {}): Plan => planRotation(inputOf(ring, change));

/** A gateway that has this ring in memory. */
export const gatewayAt = (ring: Ring, name = "gw-1"): GatewayView => ({
  name,
  ready: true,
  ack: { generation: ring.generation, verifies: keysOf(ring).map((k) => k.kid), signs: ring.signer.kid },
});

/** A gateway that runs and never says a word. */
export const silent: GatewayView = { name: "gw-silent", ready: true };

function blockerText(blocker: Blocker, nowMs: number): string {
  if (blocker.kind === "time") return `${blocker.of} ${formatDuration(blocker.untilMs - nowMs)}`;
  if (blocker.kind === "gateway") return blocker.name;
  return "kid" in blocker ? `${blocker.kind} ${blocker.kid}` : blocker.kind;
}

/** Each gate in a line: `activate k2 (request): propagation 30m, gw-1`. */
export const waitsOf = (plan: Plan): readonly string[] =>
  plan.gates.map(
    ({ step, kid, why, waitsFor }) =>
      `${step}${kid === undefined ? "" : ` ${kid}`}${why === undefined ? "" : ` (${why})`}: ${waitsFor.map((b) => blockerText(b, plan.nowMs)).join(", ")}`,
  );

/** The line of one kind of gate, or undefined. */
export const waitOf = (plan: Plan, step: string): string | undefined =>
  waitsOf(plan).find((line) => line.startsWith(step));
