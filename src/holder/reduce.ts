import type { Ack } from "../ring/ack.ts";
import { identity } from "../ring/codec/read-jwk.ts";
import { isOtherLine, seenOf } from "../ring/lineage.ts";
import type { OpenRing } from "./open-ring.ts";
import { type HolderState, awayPatienceMs, type Source } from "./state.ts";
import { ackOf, isSameAck } from "./state-view.ts";

/** Everything that can happen to a gateway. */
export type HolderEvent =
  /** A source shows a ring, which may be old: the mount, or the watch. */
  | { readonly type: "shown"; readonly source: "mount" | "watch"; readonly ring: OpenRing }
  /** An uncached read of the source of truth; without a ring: the object is not there. `isServer`: who said so would know. */
  | { readonly type: "read"; readonly ring?: OpenRing; readonly askedAtMs: number; readonly isServer?: boolean }
  /** A source shows what is no ring, or nothing any more. Changes nothing but what is reported. `askedAtMs`: a server was asked. */
  | { readonly type: "unfit"; readonly source: Source; readonly problem: string; readonly askedAtMs?: number }
  /** The source of truth, or where acks go, can't be reached. `maybeDone`: an ack may stand all the same. */
  | { readonly type: "away"; readonly from: "truth" | "ack"; readonly problem: string; readonly maybeDone?: boolean }
  /** It answers, and says no: a person must change something. */
  | { readonly type: "denied"; readonly from: "truth" | "ack"; readonly problem: string }
  /** The ack stands, and the floor was kept before it. */
  | { readonly type: "acked"; readonly ack: Ack }
  /** What stands where the ack should be; without one: nothing that is ours. */
  | { readonly type: "ackFound"; readonly ack?: Ack }
  | { readonly type: "tick" };

/**
 * The state after an event. The rules are those of the model (test/model): generation 0 first, a second read before
 * traffic, never a smaller generation, revoked kids united, a half that survives its loss elsewhere.
 *
 * @param monotonicMs - When it happened, on the clock that nobody can set
 */
export function reduce(state: HolderState, event: HolderEvent, monotonicMs: number): HolderState {
  switch (event.type) {
    case "shown":
      return show(state, event.source, event.ring);
    case "read":
      return read(state, event, monotonicMs);
    case "unfit":
      return tick(unfit(state, event, monotonicMs), monotonicMs);
    case "away":
      return tick(since(away(state, event), monotonicMs), monotonicMs);
    case "denied":
      return { ...withProblem(state, event.from, event.problem), awaySinceMs: undefined };
    case "acked":
      return acknowledged(state, event.ack);
    case "ackFound":
      return { ...withoutProblem(state, "ack"), acked: event.ack };
    case "tick":
      return tick(state, monotonicMs);
    default:
      return event satisfies never;
  }
}

function show(state: HolderState, source: Source, ring: OpenRing): HolderState {
  const misfit = misfitOf(state, ring);
  if (misfit !== undefined) return withProblem(source === "watch" ? withSource(state, false) : state, source, misfit);
  // A watch may lag: that the source went back is for a read to say
  const isFit = source === "watch" && !isOlder(state, ring);
  return take(withLine(isFit ? withSource(state, true) : state, source, ring), ring);
}

function read(
  state: HolderState,
  { ring, askedAtMs, isServer }: HolderEvent & { readonly type: "read" },
  monotonicMs: number,
): HolderState {
  const misfit = ring && misfitOf(state, ring);
  const asked = isServer && { askedAtMs };
  if (misfit !== undefined) {
    return reduce(state, { type: "unfit", source: "truth", problem: misfit, ...asked }, monotonicMs);
  }
  const answered = { ...withoutProblem(state, "truth"), awaySinceMs: undefined };
  const isBehind = ring !== undefined && isOlder(state, ring);
  const told = isServer === true ? withSource(answered, ring !== undefined && !isBehind) : answered;
  if (ring === undefined) {
    return afterReading(withProblem(word(told, asked || {}, monotonicMs), "truth", "the object is not there"));
  }
  const taken = {
    ...take(withLine(told, "truth", ring), ring),
    heard: { askedAtMs, atMonotonicMs: monotonicMs, isBehind },
  };
  const { kid } = ring.ring.signer;
  // A source that went back to an older signer says nothing about the key that signs here
  const confirms = taken.half?.kid === kid;
  return afterReading(confirms ? { ...taken, confirmed: { kid, askedAtMs } } : taken);
}

/** A start goes on only with a ring; what changed since the ack is to be acknowledged first. */
function afterReading(state: HolderState): HolderState {
  const { stage, current, acked } = state;
  if (current === undefined) return state;
  if (stage === "zeroed") return { ...state, stage: "loaded" };
  if (stage !== "acked") return state;
  return isSameAck(acked, ackOf(state))
    ? { ...state, stage: "serving", degraded: false }
    : { ...state, stage: "loaded" };
}

function acknowledged(state: HolderState, ack: Ack): HolderState {
  const { stage } = state;
  const next = stage === "silent" ? "zeroed" : stage === "loaded" ? "acked" : stage;
  return { ...withoutProblem(state, "ack"), stage: next, awaySinceMs: undefined, acked: ack };
}

/** A ring of another line is not taken, however high its generation: the keys that it lacks are in use. */
const isFork = (here: OpenRing | undefined, shown: OpenRing): boolean =>
  here !== undefined && isOtherLine(shown.ring, seenOf(here.ring));

const withLine = (state: HolderState, source: Source, ring: OpenRing): HolderState =>
  withProblem(state, source, isFork(state.current, ring) ? forked(ring) : undefined);

const forked = ({ ring: { generation } }: OpenRing): string =>
  `the ring there (generation ${generation}) does not come from the one in memory: it grew from an older copy; restore it or request a recovery`;

/**
 * Takes what a trusted ring brings: its revocations always, itself when it is newer and of the same line, its half when that is
 * missing here.
 */
function take(state: HolderState, ring: OpenRing): HolderState {
  const revoked = ring.ring.revoked.map(({ kid }) => kid);
  const refused = revoked.every((kid) => state.refused.has(kid))
    ? state.refused
    : new Set([...state.refused, ...revoked]);
  const current = newest(state.current, ring);
  const half = [state.half, ring.half].find((one) => one?.kid === current.ring.signer.kid && !refused.has(one.kid));
  return { ...state, refused, current, half };
}

/** Of equal ones the one that is here: the same ring again is no change. */
const newest = (here: OpenRing | undefined, shown: OpenRing): OpenRing =>
  here && (here.ring.generation >= shown.ring.generation || isFork(here, shown)) ? here : shown;

/** Why a proved ring must not be used here, or undefined. */
function misfitOf({ setup, current }: HolderState, { ring, publicJwks }: OpenRing): string | undefined {
  const { name, namespace } = ring.rotation;
  const wanted = setup.rotation ?? current?.ring.rotation.name ?? name;
  if (name !== wanted) return `must be the ring of rotation "${wanted}", is that of "${name}"`;
  if (current === undefined) return undefined;
  const known = current.ring.rotation.namespace;
  if (known !== namespace) return `must be the ring of namespace "${known}", is that of "${namespace}"`;
  for (const [kid, jwk] of current.publicJwks) {
    const other = publicJwks.get(kid);
    if (other && identity(other) !== identity(jwk)) return `must not give kid "${kid}" another key`;
  }
  return undefined;
}

/** Where a server has no ring to show, no key is given to anybody: what is here is as new as anything. */
function word(
  state: HolderState,
  { askedAtMs }: { readonly askedAtMs?: number | undefined },
  monotonicMs: number,
): HolderState {
  if (askedAtMs === undefined) return state;
  return { ...state, heard: { askedAtMs, atMonotonicMs: monotonicMs, isBehind: true } };
}

/** A source of truth that shows no ring helps as little as one that is away. */
function unfit(
  state: HolderState,
  { source, problem, askedAtMs }: HolderEvent & { readonly type: "unfit" },
  monotonicMs: number,
): HolderState {
  const isServer = source === "watch" || askedAtMs !== undefined;
  const heard = word(isServer ? withSource(state, false) : state, { askedAtMs }, monotonicMs);
  const told = withProblem(heard, source, problem);
  return source === "truth" ? since(told, monotonicMs) : told;
}

function away(state: HolderState, event: HolderEvent & { readonly type: "away" }): HolderState {
  const told = withProblem(state, event.from, event.problem);
  const promises = event.from === "ack" && event.maybeDone === true && state.stage === "silent";
  return promises && !told.promised ? { ...told, promised: true } : told;
}

const since = (state: HolderState, monotonicMs: number): HolderState =>
  state.awaySinceMs === undefined ? { ...state, awaySinceMs: monotonicMs } : state;

/**
 * Patience with a start ends: traffic is served from what is here, if it is known to be all that was served before. Not by
 * who wrote generation 0, or may have: nobody waits for it, since it promised to read the newest ring first.
 */
function tick(state: HolderState, monotonicMs: number): HolderState {
  if (!isPatient(state) || monotonicMs - state.awaySinceMs < awayPatienceMs) return state;
  // Who takes traffic does not say that it is about to start
  return { ...state, degraded: true, stage: "zeroed" };
}

/** Patience has an end: it may take traffic without its source of truth. */
export const isPatient = (state: HolderState): state is HolderState & { readonly awaySinceMs: number } =>
  state.stage === "silent" &&
  !state.promised &&
  !state.degraded &&
  !state.floorLost &&
  state.current !== undefined &&
  state.awaySinceMs !== undefined;

/** What the API server has last said. */
const withSource = (state: HolderState, isFit: boolean): HolderState =>
  state.sourceUnfit === isFit ? { ...state, sourceUnfit: !isFit } : state;

const isOlder = ({ current }: HolderState, shown: OpenRing): boolean =>
  shown.ring.generation < (current?.ring.generation ?? 0) || isFork(current, shown);

type Problems = HolderState["problems"];

const withProblem = (state: HolderState, from: keyof Problems, problem: string | undefined): HolderState =>
  state.problems[from] === problem ? state : { ...state, problems: { ...state.problems, [from]: problem } };

const withoutProblem = (state: HolderState, from: keyof Problems): HolderState => withProblem(state, from, undefined);
