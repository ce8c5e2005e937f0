import type { Key, Kid } from "../../../src/ring/key.ts";
import { isOtherLine, seenOf } from "../../../src/ring/lineage.ts";
import type { Policy } from "../../../src/ring/plan.ts";
import { keysOf, type Ring } from "../../../src/ring/ring.ts";
import { Digest } from "./digest.ts";
import type { Scenario } from "./scenario.ts";
import {
  msAt,
  tickMs,
  type Controller,
  type Gateway,
  type Objects,
  type Sighting,
  type StoredAck,
  type Turn,
  type World,
} from "./world.ts";

/**
 * The fingerprint of a world up to what can make no difference to its future: instants count from now and end where no
 * rule looks any more, kids are numbered by appearance, generations by rank, versions only tell whether they are current,
 * and of a ring that nobody rebuilds from, only what gateways see counts.
 */
export class WorldKey {
  readonly #digest = new Digest();
  readonly #ends: Horizons;
  readonly #rebuilds: boolean;
  readonly #kids = new Map<Kid, number>();
  #generations: number[] = [];
  #rings: Ring[] = [];
  #seenRings: Ring[] = [];
  #requests: readonly string[] = [];
  #nowMs = 0;

  constructor(scenario: Scenario) {
    this.#ends = horizonsOf(scenario);
    this.#rebuilds = scenario.disasters !== undefined;
  }

  of(world: World): number {
    this.#digest.clear();
    this.#kids.clear();
    this.#rings = [];
    this.#seenRings = [];
    this.#nowMs = msAt(world.tick);
    this.#requests = world.requests;
    this.#generations = rankedGenerations(world);
    this.#objects(world.objects);
    this.#policy(world.policy);
    for (const c of inOrder(world.controllers)) this.#controller(c, world);
    for (const g of world.gateways) this.#gateway(g, world);
    this.#tokens(world);
    this.#flags(world.clockTrusted, world.recovery, world.servesOld);
    if (world.backup) {
      this.#objects(world.backup);
      if (this.#rebuilds) for (const g of world.gateways) this.#ack(world.backup.acks[g.name]);
    }
    if (this.#rebuilds) this.#lines();
    for (const left of Object.values<number>({ ...world.left })) this.#add(left);
    return this.#digest.value();
  }

  #add(value: number): void {
    this.#digest.add(value);
  }

  #flags(...flags: readonly boolean[]): void {
    let bits = 1;
    for (const flag of flags) bits = bits * 2 + (flag ? 1 : 0);
    this.#add(bits);
  }

  #numberOf(kid: Kid): number {
    let number = this.#kids.get(kid);
    if (number === undefined) this.#kids.set(kid, (number = this.#kids.size));
    return number;
  }

  #kid(kid: Kid | undefined): void {
    this.#add(kid === undefined ? -1 : this.#numberOf(kid));
  }

  /** Kids whose order means nothing. */
  #kidSet(kids: readonly Kid[]): void {
    this.#add(kids.length);
    if (kids.length === 0) return;
    const known = kids.flatMap((kid) => this.#kids.get(kid) ?? []).sort((a, b) => a - b);
    for (const number of known) this.#add(number);
    for (const kid of kids) this.#numberOf(kid);
  }

  /** How long ago, in ticks; longer ago than `ends` is all the same. */
  #instant(atMs: number | undefined, ends: number): void {
    this.#add(atMs === undefined ? -1000 : Math.max(-50, Math.min(ends, Math.floor((this.#nowMs - atMs) / tickMs))));
  }

  #generation(generation: number): void {
    let rank = 0;
    while (rank < this.#generations.length && (this.#generations[rank] ?? 0) < generation) rank++;
    this.#add(rank);
  }

  /** A ring with all its facts once, by its place after that. */
  #ring(ring: Ring | undefined): void {
    const place = ring ? this.#rings.indexOf(ring) : -2;
    this.#add(place);
    if (!ring || place >= 0) return;
    this.#rings.push(ring);
    this.#generation(ring.generation);
    for (const request of this.#requests) this.#flags(ring.handledRequests.includes(request));
    this.#settings(ring);
    const { signer, standby, retiring, revokedBefore, longerMaxAge } = ring;
    this.#add(retiring.length);
    this.#flags(standby !== undefined);
    this.#key(signer, ring);
    if (standby) this.#key(standby, ring);
    for (const key of retiring) this.#key(key, ring);
    this.#instant(revokedBefore?.effectiveMs, this.#ends.lookback);
    this.#instant(revokedBefore?.requestedMs, this.#ends.lookback);
    this.#add(longerMaxAge ? longerMaxAge.maxAgeMs / tickMs : -1);
    this.#instant(longerMaxAge?.loweredAtMs, this.#ends.lookback);
    this.#kidSet(revoked(ring));
  }

  /** A ring as gateways see it. */
  #seenRing(ring: Ring | undefined): void {
    if (this.#rebuilds || !ring || this.#rings.includes(ring)) {
      this.#ring(ring);
      return;
    }
    const place = this.#seenRings.indexOf(ring);
    this.#add(1000 + place);
    if (place >= 0) return;
    this.#seenRings.push(ring);
    this.#generation(ring.generation);
    this.#settings(ring);
    this.#add(profileNumber(ring.signer.profile));
    this.#flags(ring.signer.canSign);
    for (const key of keysOf(ring)) this.#kid(key.kid);
    this.#kidSet(revoked(ring));
  }

  /** Which rings do not come from which. */
  #lines(): void {
    for (const ring of this.#rings) {
      const others = this.#rings.filter((other) => other !== ring && isOtherLine(ring, seenOf(other)));
      this.#add(others.length);
      for (const other of others) this.#add(this.#rings.indexOf(other));
    }
  }

  #settings({ settings }: Ring): void {
    this.#add(settings.clockSkewMs / tickMs);
    this.#add(settings.jwksMaxAgeMs / tickMs);
    this.#add(settings.mintMaxTTLMs / tickMs);
    this.#add(settings.rotationWindowMs / tickMs);
  }

  #key(key: Key, { revokedBefore, longerMaxAge }: Ring): void {
    this.#kid(key.kid);
    this.#add(profileNumber(key.profile));
    this.#add(key.waitMs / tickMs);
    const condemned = key.createdAtMs < (revokedBefore?.effectiveMs ?? 0);
    this.#flags(key.canSign, condemned, key.createdAtMs >= (longerMaxAge?.loweredAtMs ?? 0));
    this.#instant(key.createdAtMs, this.#ends.lookback);
    this.#instant(key.publishedAtMs, this.#ends.wait);
    if (key.state === "prepared") return;
    this.#add(key.windowMs / tickMs);
    if (key.state === "active") {
      this.#instant(key.activatedAtMs, this.#ends.every);
    } else {
      this.#generation(key.demotedInGeneration);
      this.#instant(key.quiescedAtMs, this.#ends.wait + this.#ends.window);
    }
  }

  #objects({ ring, signer, open }: Objects): void {
    this.#ring(ring?.ring);
    this.#seenRing(signer?.ring);
    this.#seenRing(open?.ring);
  }

  #policy(policy: Policy): void {
    this.#add(profileNumber(policy.profile));
    this.#add(policy.propagationMs / tickMs);
    this.#add(policy.rotationWindowMs / tickMs);
    this.#add(policy.rollbackWindowMs / tickMs);
    this.#flags(policy.suspend, policy.acknowledgements === "Ignored");
    this.#kid(policy.pinnedKid);
    this.#kidSet(policy.revokedKids.map((r) => r.kid));
    this.#instant(policy.revokeCreatedBeforeMs, this.#ends.lookback);
  }

  #controller(c: Controller, world: World): void {
    this.#add(phases.indexOf(c.phase));
    switch (c.phase) {
      case "idle":
        break;
      case "reading":
        this.#flags(c.gateways !== undefined, c.objects !== undefined, c.recovery);
        this.#sightings(c.gateways ?? []);
        if (c.ring !== undefined) this.#flags(c.ring === "early");
        if (c.policy !== world.policy || c.requests !== world.requests) this.#olderView(c, world);
        this.#read(c.objects ?? {}, world);
        break;
      case "planned":
        this.#flags(c.plan.steps.some((s) => s.type === "rebuild"));
        this.#ring(c.next);
        this.#read(c.read, world);
        this.#turn(c.turn, world);
        break;
      case "ringWritten":
      case "publicWritten":
        this.#ring(c.ring);
        this.#read(c.read, world);
        this.#turn(c.turn, world);
        break;
      default:
        c satisfies never;
    }
  }

  #sightings(gateways: readonly Sighting[]): void {
    for (const g of gateways) {
      this.#flags(g.ready);
      this.#add(nameNumber(g.name));
      this.#ack(g.ack);
    }
  }

  /** What the pass after this one will begin with. */
  #turn(turn: Turn | undefined, world: World): void {
    if (turn === undefined) return;
    this.#flags(turn.recovery);
    this.#sightings(turn.gateways ?? []);
    if (turn.policy !== world.policy || turn.requests !== world.requests) this.#olderView(turn, world);
  }

  /** A pass that began before the last edit or request. */
  #olderView({ policy, requests }: { policy: Policy; requests: readonly string[] }, { objects }: World): void {
    this.#policy(policy);
    for (const place of [objects.ring, objects.signer, objects.open]) {
      for (const request of requests) this.#flags(place?.ring.handledRequests.includes(request) === true);
    }
  }

  /** What was read, and whether it is still current: only that decides what a write does. */
  #read(read: Objects, { objects }: World): void {
    for (const name of ["ring", "signer", "open"] as const) {
      this.#flags(read[name]?.version === objects[name]?.version);
      this.#seenRing(read[name]?.ring);
    }
  }

  #ack(ack: StoredAck | undefined): void {
    this.#flags(ack !== undefined);
    if (!ack) return;
    this.#seenRing(ack.ring);
    this.#kid(ack.signs);
  }

  #gateway(g: Gateway, { tick }: World): void {
    this.#add(phases.indexOf(g.phase));
    this.#flags(g.expected, g.degraded === true);
    this.#seenRing(g.ring);
    this.#kid(g.half);
    this.#ack(g.ack);
    this.#seenRing(g.floor);
    this.#seenRing(g.mount);
    this.#add(g.mountStaleTick === undefined ? -1 : tick - g.mountStaleTick);
    this.#add(Math.min(this.#ends.window, tick - (g.confirmedTick ?? -1000)));
    const known = g.ring?.revoked ?? [];
    this.#kidSet(g.refuses.filter((kid) => !known.some((r) => r.kid === kid)));
  }

  #tokens(world: World): void {
    const { tick, tokens, earlyTokens, early, wereEarly, missing, copiesTick, appSigns } = world;
    for (const list of [tokens, earlyTokens, appSigns, missing]) this.#untils(list, tick);
    for (const { ttl } of appSigns) this.#add(ttl);
    this.#add(Math.max(0, copiesTick - tick));
    for (const list of [early, wereEarly]) {
      for (const e of list) {
        this.#kid(e.kid);
        this.#generation(e.sinceGeneration);
      }
    }
    this.#kidSet(world.revokedEver);
    this.#kidSet(world.destroyed);
  }

  #untils(list: readonly { readonly kid: Kid; readonly tick: number }[], now: number): void {
    this.#add(list.length);
    const numbered = list.map(({ kid, tick }) => this.#numberOf(kid) * 1000 + Math.max(-9, tick - now) + 9);
    for (const number of numbered.sort((a, b) => a - b)) this.#add(number);
  }
}

/** Beyond these ages, in ticks, nothing is compared any more. */
interface Horizons {
  readonly wait: number;
  readonly window: number;
  readonly every: number;
  readonly lookback: number;
}

function horizonsOf({ policy, longest }: Scenario): Horizons {
  const { propagationMs, rotationWindowMs, profile, clockSkewMs, schedule } = policy;
  const windowMs = Math.max(rotationWindowMs, profile.maxTTLMs + 2 * clockSkewMs);
  return {
    wait: longest?.wait ?? propagationMs / tickMs,
    window: longest?.window ?? windowMs / tickMs,
    every: schedule.kind === "interval" ? schedule.everyMs / tickMs : 0,
    lookback: longest?.lookback ?? 1,
  };
}

const phases: readonly (Gateway["phase"] | Controller["phase"])[] = [
  ...(["gone", "down", "zeroed", "loaded", "acked", "ready"] as const),
  ...(["idle", "reading", "planned", "ringWritten", "publicWritten"] as const),
];

/** Controllers have no names: which of them holds a pass makes no difference. */
const inOrder = (controllers: readonly Controller[]): readonly Controller[] =>
  controllers.length === 1
    ? controllers
    : controllers.toSorted((a, b) => phases.indexOf(a.phase) - phases.indexOf(b.phase));

const numberer = (): ((value: unknown) => number) => {
  const known = new Map<unknown, number>();
  return (value) => known.get(value) ?? (known.set(value, known.size), known.size - 1);
};
/** The scenarios use few profile objects, always the same ones. */
const profileNumber = numberer();
const nameNumber = numberer();

const none: readonly Kid[] = [];
const revoked = (ring: Ring): readonly Kid[] => (ring.revoked.length === 0 ? none : ring.revoked.map((r) => r.kid));

/** Every generation that something may be compared with, in order. */
function rankedGenerations(world: World): number[] {
  const sorted: number[] = [];
  const add = (ring: Ring | undefined): void => {
    if (!ring) return;
    let place = sorted.length;
    while (place > 0 && (sorted[place - 1] ?? 0) >= ring.generation) place--;
    if (sorted[place] !== ring.generation) sorted.splice(place, 0, ring.generation);
  };
  const addAll = (objects: Objects | undefined): void => {
    add(objects?.ring?.ring);
    add(objects?.signer?.ring);
    add(objects?.open?.ring);
  };
  addAll(world.objects);
  addAll(world.backup);
  for (const ack of Object.values(world.backup?.acks ?? {})) add(ack?.ring);
  for (const g of world.gateways) for (const ring of [g.ring, g.ack?.ring, g.floor, g.mount]) add(ring);
  for (const c of world.controllers) {
    if (c.phase === "planned") add(c.next);
    if (c.phase === "ringWritten" || c.phase === "publicWritten") add(c.ring);
    const sighted = c.phase === "reading" ? c.gateways : c.phase === "idle" ? undefined : c.turn?.gateways;
    for (const g of sighted ?? []) add(g.ack?.ring);
    addAll(c.phase === "idle" ? undefined : c.phase === "reading" ? c.objects : c.read);
  }
  return sorted;
}
