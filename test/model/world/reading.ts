import type { Ack, GatewayView } from "../../../src/ring/ack.ts";
import { claimOfAck, type Found, type Reading } from "../../../src/ring/found.ts";
import type { Kid } from "../../../src/ring/key.ts";
import { seenOf } from "../../../src/ring/lineage.ts";
import { keysOf, type Ring } from "../../../src/ring/ring.ts";
import { knobsOf, type Scenario } from "./scenario.ts";
import {
  msAt,
  type Objects,
  type Reads,
  type Sighting,
  type StoredAck,
  type StoredObject,
  type World,
} from "./world.ts";

/** What is read next before the plan: the projections, then the gateways and what they said; where answers are readings, the ring between them. */
export function nextReading(world: World, { objects, gateways, ring }: Reads, scenario: Scenario): Partial<Reads> {
  const { ring: stored, ...projections } = world.objects;
  if (objects !== undefined && ring === undefined && scenario.readings === "answers") {
    return { objects: { ...objects, ...(stored && { ring: stored }) }, ring: "early" };
  }
  const acksFirst = !knobsOf(scenario).projectionsFirst;
  if (gateways !== undefined || !(acksFirst || objects !== undefined)) return { objects: projections };
  return { gateways: world.gateways.filter((g) => g.expected).map(sight) };
}

/** All that is read before the plan. */
export const hasRead = ({ objects, gateways, ring }: Reads, { readings }: Scenario): boolean =>
  objects !== undefined && gateways !== undefined && (ring !== undefined || readings !== "answers");

export const sight = ({ name, phase, ack }: World["gateways"][number]): Sighting => ({
  name,
  ready: phase === "ready",
  ...(ack && { ack }),
});

export interface Seeing {
  readonly gateways: readonly Sighting[];
  readonly recovery: boolean;
  readonly scenario: Scenario;
}

export function foundOf(world: World, { gateways, recovery, scenario }: Seeing, read: Objects): Found {
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

export const viewOf = ({ name, ready, ack }: Sighting): GatewayView => ({
  name,
  ready,
  ...(ack && { ack: ackOf(ack) }),
});

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
