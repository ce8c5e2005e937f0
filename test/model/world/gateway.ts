import { keysOf, type Ring } from "../../../src/ring/ring.ts";
import { isOtherLine, seenOf } from "../../../src/ring/lineage.ts";
import { omit } from "./omit.ts";
import { knobsOf, type Knobs, type Scenario } from "./scenario.ts";
import type { Gateway, World } from "./world.ts";

export const setGateway = (world: World, gateway: Gateway): World => ({
  ...world,
  gateways: world.gateways.map((g) => (g.name === gateway.name ? gateway : g)),
});

/** A place without a pod. */
export const empty = ({ name, clock, reads, mountOnly }: Gateway): Gateway => ({
  name,
  clock,
  reads,
  mountOnly,
  expected: false,
  phase: "gone",
  refuses: [],
});

/** The one that is here, or the one that is shown where it is newer and of the same line. */
const newest = (here: Ring | undefined, shown: Ring | undefined, { oneLine }: Knobs): Ring | undefined =>
  !here || (shown && shown.generation > here.generation && !(oneLine && isOtherLine(shown, seenOf(here))))
    ? (shown ?? here)
    : here;

/** Generations are Unix seconds: the last four digits tell them apart. */
export const short = (ring: Ring): string =>
  `${String(ring.generation % 10_000)} (${keysOf(ring)
    .map((k) => `${k.kid} ${k.state}`)
    .join(", ")})`;

export const inApi = (world: World, gateway: Gateway): Ring | undefined => world.objects[gateway.reads]?.ring;
/** Where this gateway reads. */
const sourceOf = (world: World, gateway: Gateway): Ring | undefined =>
  gateway.mountOnly ? gateway.mount : inApi(world, gateway);

/** A gateway that takes a ring into memory. */
export interface Loading {
  readonly world: World;
  readonly gateway: Gateway;
  readonly scenario: Scenario;
}

/** With the ring comes the signer's half; the half of a signer that lost it everywhere else stays in use. */
export function load({ world, gateway, scenario }: Loading, ring: Ring): Gateway {
  const { half: before } = gateway;
  const { signer } = ring;
  const lags = scenario.halvesLag === true && before !== undefined;
  const brought = gateway.reads === "signer" && signer.canSign && !lags ? signer.kid : undefined;
  const half = brought ?? (lags || before === signer.kid ? before : undefined);
  const refuses = [...new Set([...gateway.refuses, ...ring.revoked.map((r) => r.kid)])];
  const loaded = { ...omit(gateway, "half"), ring, refuses };
  if (half === undefined) return omit(loaded, "confirmedTick");
  return half === before ? { ...loaded, half } : { ...omit(loaded, "confirmedTick"), half, ...hears(world, gateway) };
}

/** A word from the API server; a mount is none. */
const hears = ({ tick }: World, { mountOnly }: Gateway): { confirmedTick?: number } =>
  mountOnly ? {} : { confirmedTick: tick };

/** Says what it has, and keeps it in the emptyDir first. */
export const acknowledge = (gateway: Gateway): Gateway =>
  gateway.ring
    ? {
        ...gateway,
        floor: gateway.ring,
        ack: { ring: gateway.ring, ...(gateway.half !== undefined && { signs: gateway.half }) },
      }
    : gateway;

export const hasAcked = ({ ack, ring, half }: Gateway): boolean => ack?.ring === ring && ack?.signs === half;

/** Takes over the newest ring that there is, never an older one. */
export function takeOver(loading: Loading): Gateway | undefined {
  const { world, gateway, scenario } = loading;
  const ring = sourceOf(world, gateway);
  const backwards = ring && gateway.ring && newest(gateway.ring, ring, knobsOf(scenario)) === gateway.ring;
  if (!ring || ring === gateway.ring || (backwards && knobsOf(scenario).neverBackwards)) return undefined;
  const loaded = omit(load(loading, ring), "degraded");
  return scenario.acks === "later" ? loaded : acknowledge(loaded);
}

/** The half comes another way than the ring, and later. */
export function takeHalf({ world, gateway, scenario }: Loading): Gateway | undefined {
  const signer = world.objects.signer?.ring.signer;
  if (scenario.halvesLag !== true || !signer?.canSign || gateway.reads !== "signer") return undefined;
  return signer.kid === gateway.half ? undefined : { ...gateway, half: signer.kid, ...hears(world, gateway) };
}

// --- starting ---------------------------------------------------------------------------------

/** One of the four steps of a start. */
export function startStep(loading: Loading): Gateway | undefined {
  const { gateway, scenario } = loading;
  const knobs = knobsOf(scenario);
  switch (gateway.phase) {
    case "down":
      return { ...gateway, phase: "zeroed", ...(knobs.generationZero && { ack: {} }) };
    case "zeroed": {
      const ring = newest(knobs.floor ? gateway.floor : undefined, startingFrom(loading), knobs);
      return ring && { ...load(loading, ring), phase: "loaded" };
    }
    case "loaded":
      return { ...acknowledge(gateway), phase: "acked" };
    case "acked": {
      const now = startingFrom(loading);
      const isNewest = now === undefined || newest(gateway.ring, now, knobs) === gateway.ring;
      return isNewest || !knobs.secondRead
        ? { ...gateway, phase: "ready" }
        : { ...load(loading, now), phase: "loaded" };
    }
    case "gone":
    case "ready":
      return undefined;
    default:
      return gateway.phase satisfies never;
  }
}

const startingFrom = ({ world, gateway, scenario }: Loading): Ring | undefined =>
  knobsOf(scenario).uncachedStart ? sourceOf(world, gateway) : gateway.mount;

/** A start without pauses. */
export function start(loading: Loading): Gateway | undefined {
  let now: Gateway | undefined = loading.gateway;
  for (let i = 0; now && now.phase !== "ready" && i < 8; i++) now = startStep({ ...loading, gateway: now });
  return now?.phase === "ready" ? now : undefined;
}

/** Without the API: ready from the mount and the floor; no ack is written. Who wrote generation 0 has promised not to. */
export function startDegraded(loading: Loading): Gateway | undefined {
  const { gateway, scenario } = loading;
  if (gateway.phase !== "down" && knobsOf(scenario).keepsPromise) return undefined;
  const ring = newest(knobsOf(scenario).floor ? gateway.floor : undefined, gateway.mount, knobsOf(scenario));
  return ring && { ...loadDegraded(loading, ring), phase: "ready", degraded: true };
}

/** It mints within what the API server said before of this very key, and with another key not at all. */
export function loadDegraded(loading: Loading, ring: Ring): Gateway {
  const { floor, confirmedTick } = loading.gateway;
  const loaded = load(loading, ring);
  const knows = loaded.half !== undefined && floor?.signer.kid === loaded.half && confirmedTick !== undefined;
  return knows ? { ...loaded, confirmedTick } : omit(loaded, "half", "confirmedTick");
}

/** What a healthy gateway makes of the world as soon as it can; undefined when it is up to date. */
export function answer(loading: Loading): Gateway | undefined {
  const { gateway } = loading;
  if (!gateway.expected || gateway.phase === "gone") return undefined;
  if (gateway.phase !== "ready") return start(loading);
  const taken = takeOver(loading);
  const to = takeHalf({ ...loading, gateway: taken ?? gateway }) ?? taken ?? gateway;
  if (!hasAcked(to)) return acknowledge(to);
  return to === gateway ? undefined : to;
}
