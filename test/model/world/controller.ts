import { classify } from "../../../src/ring/found.ts";
import type { PlanInput, Step } from "../../../src/ring/plan.ts";
import { planRotation } from "../../../src/ring/planner.ts";
import { keysOf, type Ring } from "../../../src/ring/ring.ts";
import { applyPlan, needsFreshKey } from "../../../src/ring/steps.ts";
import { breachOfRest, breachOfWrite } from "../invariants/writes.ts";
import { foundOf, nextReading, sight, viewOf } from "./reading.ts";
import { knobsOf, type Knobs, type Scenario } from "./scenario.ts";
import type { Controller, Objects, Reads, Turn, World } from "./world.ts";

const rotation = { namespace: "default", name: "gateway" } as const;
export const idle: Controller = { phase: "idle" };

export const setController = (world: World, index: number, to: Controller): World => ({
  ...world,
  controllers: world.controllers.map((c, i) => (i === index ? to : c)),
});

// --- reading ----------------------------------------------------------------------------------

/** The next read before the plan: the projections, then the gateways and what they said; where answers are readings, the ring between them. */
export function readNext(world: World, index: number, scenario: Scenario): World {
  const pass = world.controllers[index];
  const { policy, requests, recovery } = world;
  const reads: Reads = pass?.phase === "reading" ? pass : { policy, requests, recovery };
  return setController(world, index, { ...reads, ...nextReading(world, reads, scenario), phase: "reading" });
}

/** The ring, where it was not read before, then the clock, then the plan. */
export function planPass(world: World, index: number, scenario: Scenario): World {
  const seen = world.controllers[index];
  if (seen?.phase !== "reading" || !seen.gateways) return world;
  const { ring } = (seen.ring === "early" ? seen.objects : world.objects) ?? {};
  const read: Objects = { ...seen.objects, ...(ring && { ring }) };
  const { policy, requests, recovery } = seen;
  const found = foundOf(world, { gateways: seen.gateways, recovery, scenario }, read);
  const stored = classify(found);
  if (stored.kind === "stalled") {
    // What another has written meanwhile may look so: a pass that reads the ring last decides
    return setController(
      world,
      index,
      seen.ring === "early" ? { ...asked(seen), phase: "reading", ring: "last" } : idle,
    );
  }
  const turn = scenario.readings === "answers" ? { turn: turnOf(seen, scenario) } : {};
  const gateways = seen.gateways.map(viewOf);
  const { nowMs } = found;
  const input: PlanInput = { rotation, policy, stored, requests, gateways, clockTrusted: world.clockTrusted, nowMs };
  const plan = planRotation(input, scenario.rules);
  if (plan.steps.length === 0) {
    if (!ring) return setController(world, index, idle);
    const breach = scenario.tokensOnly === true ? undefined : breachOfRest(ring.ring, input);
    const rested = setController(world, index, { phase: "ringWritten", ring: ring.ring, read, ...turn });
    return breach === undefined ? skipWritten(rested, index, false) : { ...rested, breach };
  }
  const kids = plan.steps.filter(needsFreshKey).map((_, i) => `k${String(world.made + i + 1)}`);
  // Every write of an object has a version of its own
  const applied = applyPlan(ring?.ring, { ...plan, writeId: `w${String(world.versions + 1)}` }, kids);
  if (!applied) return { ...world, breach: "a plan with steps made no ring" };
  const next = scenario.afterApply?.(ring?.ring, plan, applied) ?? applied;
  const twice = applyPlan(applied, plan, kids);
  const pass: Controller = { phase: "planned", plan, base: ring?.ring, next, read, policy, ...turn };
  const planned = setController(world, index, pass);
  return {
    ...planned,
    made: world.made + kids.length,
    ...(twice !== applied && { breach: "applying the same plan twice changed the ring again" }),
  };
}

const asked = ({ policy, requests, recovery }: Reads): Turn => ({ policy, requests, recovery });

const turnOf = (seen: Reads, scenario: Scenario): Turn => ({
  ...asked(seen),
  ...(!knobsOf(scenario).asksAfterWriting && seen.gateways && { gateways: seen.gateways }),
});

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
  const { next, read, plan, base, policy, turn } = pass;
  if (!mayWrite(world, "ring", { read, ring: next, knobs: knobsOf(scenario) }))
    return setController(world, index, idle);
  const breach = scenario.tokensOnly === true ? undefined : breachOfWrite({ world, base, plan, next, policy });
  const recovered = plan.steps.some((s) => s.type === "rebuild" || s.type === "begin");
  const written = put(world, "ring", next);
  const left = turn ? { read: leftIn(written, read, "ring"), turn } : { read };
  const moved = setController(written, index, { phase: "ringWritten", ring: next, ...left });
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
  const left = pass.turn ? { ...pass, read: leftIn(written, pass.read, name) } : pass;
  if (name === "signer") return setController(written, index, afterWrites(left));
  return skipWritten(setController(written, index, { ...left, phase: "publicWritten" }), index, true);
}

/** A projection that shows the ring already needs no write. */
function skipWritten(world: World, index: number, hasWritten: boolean): World {
  const pass = world.controllers[index];
  if (pass?.phase !== "ringWritten" && pass?.phase !== "publicWritten") return world;
  const shows = (name: "open" | "signer") => pass.read[name]?.ring.generation === pass.ring.generation;
  if (pass.phase === "ringWritten" && !shows("open")) return world;
  const ended = hasWritten ? afterWrites(pass) : idle;
  return setController(world, index, shows("signer") ? ended : { ...pass, phase: "publicWritten" });
}

/** The object as the server answers that it was written. */
function leftIn({ objects }: World, read: Objects, name: keyof Objects): Objects {
  const answer = objects[name];
  return answer ? { ...read, [name]: answer } : read;
}

/** In a turn the next pass goes on from what this one left behind. */
const afterWrites = ({ read, turn }: Writing): Controller =>
  turn ? { ...turn, phase: "reading", objects: read, ring: "early" } : idle;

type Writing = Extract<Controller, { readonly phase: "ringWritten" | "publicWritten" }>;
