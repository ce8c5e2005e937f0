import { adversities } from "./adversity.ts";
import { idle, planPass, readNext, setController, withoutDoomed, writeProjection, writeRing } from "./controller.ts";
import { gatewayMoves } from "./gateway-moves.ts";
import { empty, short } from "./gateway.ts";
import { hasRead } from "./reading.ts";
import type { Scenario } from "./scenario.ts";
import { settle } from "./tokens.ts";
import { tickMs, type Controller, type Gateway, type Move, type World } from "./world.ts";

/** Everything that may happen next. */
export function movesFrom(world: World, scenario: Scenario): Move[] {
  const moves = [
    ...world.controllers.flatMap((_, index) => passMoves(world, index, scenario)),
    ...gatewayMoves(world, scenario),
    ...adversities(world, scenario),
  ];
  const passing = timePasses(world, scenario);
  return passing ? [...moves, passing] : moves;
}

/** Where a move leads when all that happens by itself has happened. */
export const settled = (world: World, scenario: Scenario): World => settle(withoutDoomed(world, scenario), scenario);

function timePasses(world: World, scenario: Scenario): Move | undefined {
  if (scenario.maxTick !== undefined && world.tick >= scenario.maxTick) return undefined;
  const tick = world.tick + 1;
  const gateways = world.gateways.map((g) => (isSpent(g, tick) ? empty(g) : g));
  return { say: () => "time passes", to: { ...world, tick, gateways } };
}

/** A zombie whose fence is behind it: nothing that it does matters any more. */
const isSpent = (g: Gateway, tick: number): boolean =>
  !g.expected &&
  g.phase === "ready" &&
  g.ring !== undefined &&
  (g.confirmedTick ?? 0) + g.ring.settings.rotationWindowMs / tickMs + 2 < tick;

// --- passes -----------------------------------------------------------------------------------

const nameOf = (world: World, index: number): string =>
  world.controllers.length === 1 ? "the controller" : `controller ${"AB"[index] ?? "?"}`;

function passMoves(world: World, index: number, scenario: Scenario): Move[] {
  return scenario.passes === "effects" ? effectMoves(world, index, scenario) : wholePasses(world, index, scenario);
}

/** The next effect of the pass, or its end by a crash. */
function effectMoves(world: World, index: number, scenario: Scenario): Move[] {
  const name = nameOf(world, index);
  const phase = world.controllers[index]?.phase ?? "idle";
  const to = effect(world, index, scenario);
  const next: Move = { say: () => `${name} ${sentence(world, to, index)}`, to };
  if (phase === "idle" || world.left.crashes === 0) return [next];
  const paid = { ...world, left: { ...world.left, crashes: world.left.crashes - 1 } };
  return [next, { say: () => `${name} crashes`, to: setController(paid, index, idle) }];
}

export function effect(world: World, index: number, scenario: Scenario): World {
  const pass = world.controllers[index] ?? idle;
  switch (pass.phase) {
    case "idle":
      return readNext(world, index, scenario);
    case "reading":
      return hasRead(pass, scenario) ? planPass(world, index, scenario) : readNext(world, index, scenario);
    case "planned":
      return writeRing(world, index, scenario);
    case "ringWritten":
    case "publicWritten":
      return writeProjection(world, index, scenario);
    default:
      return pass satisfies never;
  }
}

function sentence(before: World, after: World, index: number): string {
  const pass = before.controllers[index];
  const was = pass?.phase ?? "idle";
  const now = after.controllers[index];
  if (now?.phase === "reading" && (was === "idle" || was === "reading")) {
    const { gateways, objects, ring } = now;
    if (ring !== undefined && (pass?.phase !== "reading" || pass.ring !== ring)) {
      return ring === "early" ? "reads the ring" : "would stall, and reads everything anew";
    }
    const knew = pass?.phase === "reading" && pass.gateways !== undefined;
    if (gateways && !knew) return `reads the acks: ${gateways.map(ackLine).join(", ") || "no gateway"}`;
    return `reads the projections: ${objects?.signer ? short(objects.signer.ring) : "none"}`;
  }
  if (now?.phase === "planned") return `reads the ring and plans: ${now.plan.steps.map(stepLine).join(", ")}`;
  if (was === "planned") {
    return now?.phase === "idle"
      ? "can't write the ring: it changed meanwhile"
      : `writes the ring: ${after.objects.ring ? short(after.objects.ring.ring) : "none"}`;
  }
  if (was === "reading")
    return now?.phase === "idle" ? "reads the ring and finds nothing to do" : "reads the ring; a projection lacks it";
  const name = was === "ringWritten" ? "public ring" : "signer Secret";
  return after.versions > before.versions ? `writes the ${name}` : `can't write the ${name}: it changed meanwhile`;
}

const ackLine = (g: { name: string; ready: boolean; ack?: { ring?: { generation: number } } }): string =>
  `${g.name}${g.ready ? "" : " (not ready)"} ${g.ack ? `at ${String((g.ack.ring?.generation ?? 0) % 10_000)}` : "silent"}`;
const stepLine = (s: { type: string; kid?: string }): string => (s.kid === undefined ? s.type : `${s.type} ${s.kid}`);

/** A pass in one breath, or as far as a crash or a pause lets it come; a paused one goes on. */
function wholePasses(world: World, index: number, scenario: Scenario): Move[] {
  const name = nameOf(world, index);
  const others: Move[] = [];
  let now = effect(world, index, scenario);
  while (now.breach === undefined && now.controllers[index]?.phase !== "idle") {
    others.push(...broken(world, now, index));
    now = effect(now, index, scenario);
  }
  const to = now;
  const paused = world.controllers[index]?.phase !== "idle";
  if (to.versions === world.versions && to.breach === undefined && !paused) return others;
  return [{ say: () => `${paused ? "woken up, " : ""}${passLine(name, world, to)}`, to }, ...others];
}

/** The pass ends here, if something was written already; or it is stopped here. */
function broken({ left, ...before }: World, now: World, index: number): Move[] {
  const name = nameOf(now, index);
  const moves: Move[] = [];
  const line = (): string =>
    now.versions === before.versions ? `${name} begins a pass` : passLine(name, { ...before, left }, now);
  if (left.crashes > 0 && now.versions > before.versions) {
    const to = setController({ ...now, left: { ...left, crashes: left.crashes - 1 } }, index, idle);
    moves.push({ say: () => `${line()}, and crashes`, to });
  }
  if (left.pauses > 0) {
    const pass = now.controllers[index];
    const to = { ...now, left: { ...left, pauses: left.pauses - 1 } };
    moves.push({ say: () => `${line()}, and is stopped with ${holding(pass)}`, to });
  }
  return moves;
}

function holding(pass: Controller | undefined): string {
  switch (pass?.phase) {
    case "reading":
      return `what it has read of ${[...(pass.objects ? ["the projections"] : []), ...(pass.ring === "early" ? ["the ring"] : []), ...(pass.gateways ? ["the acks"] : [])].join(" and ")}`;
    case "planned":
      return `a plan: ${pass.plan.steps.map(stepLine).join(", ")}`;
    case "ringWritten":
    case "publicWritten":
      return `a projection to write: ${short(pass.ring)}`;
    case "idle":
    case undefined:
      return "nothing";
    default:
      return pass satisfies never;
  }
}

/** What a pass did, seen from the ring that it wrote. */
function passLine(name: string, before: World, after: World): string {
  const ring = after.objects.ring?.ring;
  const projected = `${after.objects.open?.ring === ring ? "" : ", not the public ring"}${after.objects.signer?.ring === ring ? "" : ", not the signer Secret"}`;
  const line =
    ring === before.objects.ring?.ring || !ring ? "mends the projections" : `writes the ring: ${short(ring)}`;
  return `${name} ${line}${projected}`;
}
