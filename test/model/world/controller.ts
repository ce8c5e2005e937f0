import type { Ack, GatewayView } from "../../../src/ring/ack.ts";
import { claimOfAck, classify, type Found, type Reading } from "../../../src/ring/found.ts";
import type { Kid } from "../../../src/ring/key.ts";
import { seenOf } from "../../../src/ring/lineage.ts";
import type { PlanInput, Step } from "../../../src/ring/plan.ts";
import { planRotation } from "../../../src/ring/planner.ts";
import { keysOf, type Ring } from "../../../src/ring/ring.ts";
import { applyPlan, needsFreshKey } from "../../../src/ring/steps.ts";
import { breachOfRest, breachOfWrite } from "../invariants/writes.ts";
import { knobsOf, type Knobs, type Scenario } from "./scenario.ts";
import {
  msAt,
  type Controller,
  type Objects,
  type Reads,
  type Sighting,
  type StoredAck,
  type StoredObject,
  type World,
} from "./world.ts";

const rotation = { namespace: "default", name: "gateway" } as const;
export const idle: Controller = { phase: "idle" };

export const setController = (world: World, index: number, to: Controller): World => ({
  ...world,
  controllers: world.controllers.map((c, i) => (i === index ? to : c)),
});

// --- reading ----------------------------------------------------------------------------------

/** The next of the two first reads: the projections, then the gateways and what they said. */
export function readNext(world: World, index: number, scenario: Scenario): World {
  const pass = world.controllers[index];
  const { policy, requests, recovery } = world;
  const reads: Reads = pass?.phase === "reading" ? pass : { policy, requests, recovery };
  const acksFirst = !knobsOf(scenario).projectionsFirst;
  const acksNext = reads.gateways === undefined && (acksFirst || reads.objects !== undefined);
  const { signer, open } = world.objects;
  const news = acksNext
    ? { gateways: world.gateways.filter((g) => g.expected).map(sight) }
    : { objects: { ...(signer && { signer }), ...(open && { open }) } };
  return setController(world, index, { ...reads, ...news, phase: "reading" });
}

const sight = ({ name, phase, ack }: World["gateways"][number]): Sighting => ({
  name,
  ready: phase === "ready",
  ...(ack && { ack }),
});

/** Third read, then the clock, then the plan. */
export function planPass(world: World, index: number, scenario: Scenario): World {
  const seen = world.controllers[index];
  if (seen?.phase !== "reading" || !seen.gateways) return world;
  const { ring } = world.objects;
  const read: Objects = { ...seen.objects, ...(ring && { ring }) };
  const { policy, requests, recovery } = seen;
  const found = foundOf(world, { gateways: seen.gateways, recovery, scenario }, read);
  const stored = classify(found);
  if (stored.kind === "stalled") return setController(world, index, idle);
  const gateways = seen.gateways.map(viewOf);
  const { nowMs } = found;
  const input: PlanInput = { rotation, policy, stored, requests, gateways, clockTrusted: world.clockTrusted, nowMs };
  const plan = planRotation(input, scenario.rules);
  if (plan.steps.length === 0) {
    if (!ring) return setController(world, index, idle);
    const breach = scenario.tokensOnly === true ? undefined : breachOfRest(ring.ring, input);
    const rested = setController(world, index, { phase: "ringWritten", ring: ring.ring, read });
    return breach === undefined ? skipWritten(rested, index) : { ...rested, breach };
  }
  const kids = plan.steps.filter(needsFreshKey).map((_, i) => `k${String(world.made + i + 1)}`);
  // Every write of an object has a version of its own
  const applied = applyPlan(ring?.ring, { ...plan, writeId: `w${String(world.versions + 1)}` }, kids);
  if (!applied) return { ...world, breach: "a plan with steps made no ring" };
  const next = scenario.afterApply?.(ring?.ring, plan, applied) ?? applied;
  const twice = applyPlan(applied, plan, kids);
  const planned = setController(world, index, { phase: "planned", plan, base: ring?.ring, next, read, policy });
  return {
    ...planned,
    made: world.made + kids.length,
    ...(twice !== applied && { breach: "applying the same plan twice changed the ring again" }),
  };
}

/** True when nothing goes on before a person acts. */
export function isStalled(world: World, scenario: Scenario): boolean {
  const gateways = world.gateways.filter((g) => g.expected).map(sight);
  return classify(foundOf(world, { gateways, recovery: world.recovery, scenario }, world.objects)).kind === "stalled";
}

/** A person asks for a recovery, and gives up the keys that no object holds any more. */
export function recovering(world: World): World {
  const { ring, signer, open } = world.objects;
  const held = new Set([ring, signer, open].flatMap((o) => (o ? keysOf(o.ring).map((k) => k.kid) : [])));
  const inUse = world.gateways.flatMap(({ ring, floor }) => [ring, floor].flatMap((r) => (r ? keysOf(r) : [])));
  const lost = [...world.tokens, ...inUse].map(({ kid }) => kid).filter((kid) => !held.has(kid));
  return { ...world, recovery: true, destroyed: [...new Set([...world.destroyed, ...lost])] };
}

interface Seeing {
  readonly gateways: readonly Sighting[];
  readonly recovery: boolean;
  readonly scenario: Scenario;
}

function foundOf(world: World, { gateways, recovery, scenario }: Seeing, read: Objects): Found {
  const { acksNameWrites } = knobsOf(scenario);
  const claimed = (by: string, ack: Ack): Found["claims"][number] =>
    acksNameWrites ? claimOfAck(by, ack) : { by, generation: ack.generation };
  return {
    ring: reading(read.ring, (r) => keysOf(r).flatMap((k) => (k.canSign ? [k.kid] : []))),
    signer: reading(read.signer, (r) => (r.signer.canSign ? [r.signer.kid] : [])),
    public: reading(read.open, () => []),
    claims: gateways.flatMap((g) => (g.ack?.ring ? [claimed(g.name, ackOf(g.ack))] : [])),
    ...(recovery && { recovery: { alsoVerify: [] } }),
    nowMs: msAt(world.tick),
  };
}

const reading = (object: StoredObject | undefined, halvesOf: (ring: Ring) => readonly Kid[]): Reading =>
  object ? { kind: "ring", ring: object.ring, halves: halvesOf(object.ring) } : { kind: "absent" };

const viewOf = ({ name, ready, ack }: Sighting): GatewayView => ({ name, ready, ...(ack && { ack: ackOf(ack) }) });

const acks = new WeakMap<StoredAck, Ack>();
function ackOf(stored: StoredAck): Ack {
  const known = acks.get(stored);
  if (known) return known;
  const { ring, signs } = stored;
  const verifies = ring ? keysOf(ring).map((k) => k.kid) : [];
  const ack = { ...(ring ? seenOf(ring) : { generation: 0 }), verifies, ...(signs !== undefined && { signs }) };
  acks.set(stored, ack);
  return ack;
}

/** A pass whose next write is bound to fail has ended: it only does not know yet. */
export function withoutDoomed(world: World, scenario: Scenario): World {
  const { swapRing, swapProjections } = knobsOf(scenario);
  if (!swapRing || !swapProjections || !world.controllers.some((c) => isDoomed(world, c))) return world;
  return { ...world, controllers: world.controllers.map((c) => (isDoomed(world, c) ? idle : c)) };
}

function isDoomed({ objects }: World, c: Controller): boolean {
  if (c.phase === "planned") return c.read.ring?.version !== objects.ring?.version;
  if (c.phase === "ringWritten") return c.read.open?.version !== objects.open?.version;
  return c.phase === "publicWritten" && c.read.signer?.version !== objects.signer?.version;
}

// --- writing ----------------------------------------------------------------------------------

const put = (world: World, name: keyof Objects, ring: Ring): World => {
  const versions = world.versions + 1;
  const servesOld = world.servesOld && name !== "signer";
  return { ...world, versions, servesOld, objects: { ...world.objects, [name]: { version: versions, ring } } };
};

/** True when the object is still what was read, and nothing newer stands in it. */
function mayWrite(world: World, name: keyof Objects, write: { read: Objects; ring: Ring; knobs: Knobs }): boolean {
  const { knobs } = write;
  const current = world.objects[name];
  const swaps = name === "ring" ? knobs.swapRing : knobs.swapProjections;
  if (swaps && current?.version !== write.read[name]?.version) return false;
  return !knobs.neverOverHigher || (current?.ring.generation ?? 0) <= write.ring.generation;
}

export function writeRing(world: World, index: number, scenario: Scenario): World {
  const pass = world.controllers[index];
  if (pass?.phase !== "planned") return world;
  const { next, read, plan, base, policy } = pass;
  if (!mayWrite(world, "ring", { read, ring: next, knobs: knobsOf(scenario) }))
    return setController(world, index, idle);
  const breach = scenario.tokensOnly === true ? undefined : breachOfWrite({ world, base, plan, next, policy });
  const recovered = plan.steps.some((s) => s.type === "rebuild" || s.type === "begin");
  const written = put(world, "ring", next);
  const moved = setController(written, index, { phase: "ringWritten", ring: next, read });
  const early = plan.steps.some(isEarly) ? [{ kid: next.signer.kid, sinceGeneration: next.generation }] : [];
  return {
    ...moved,
    early: [...world.early, ...early],
    wereEarly: [...world.wereEarly, ...early],
    ...(recovered && { recovery: false }),
    ...(breach !== undefined && { breach }),
  };
}

/** A requested recovery may bring a key back that was pruned long ago. */
const isEarly = (step: Step): boolean =>
  (step.type === "rebuild" && step.why === "recoveryRequested") ||
  step.type === "begin" ||
  (step.type === "create" && step.as === "active") ||
  (step.type === "activate" && step.early);

/** The next of the two projections that lacks the ring; none: the pass is over. */
export function writeProjection(world: World, index: number, scenario: Scenario): World {
  const pass = world.controllers[index];
  if (pass?.phase !== "ringWritten" && pass?.phase !== "publicWritten") return world;
  const name = pass.phase === "ringWritten" ? "open" : "signer";
  if (!mayWrite(world, name, { ...pass, knobs: knobsOf(scenario) })) return setController(world, index, idle);
  const written = put(world, name, pass.ring);
  if (name === "signer") return setController(written, index, idle);
  return skipWritten(setController(written, index, { ...pass, phase: "publicWritten" }), index);
}

/** A projection that shows the ring already needs no write. */
function skipWritten(world: World, index: number): World {
  const pass = world.controllers[index];
  if (pass?.phase !== "ringWritten" && pass?.phase !== "publicWritten") return world;
  const shows = (name: "open" | "signer") => pass.read[name]?.ring.generation === pass.ring.generation;
  if (pass.phase === "ringWritten" && !shows("open")) return world;
  return setController(world, index, shows("signer") ? idle : { ...pass, phase: "publicWritten" });
}
