import type { Observation } from "../ring/decide.ts";
import type { Found } from "../ring/found.ts";
import type { AckReader } from "./acks.ts";
import type { Clock, ClockVerdict } from "./clock.ts";
import type { Effective } from "./resource.ts";
import { broughtKeys } from "./recovery.ts";
import { type Snapshot, type Store } from "./store.ts";
import type { Ring } from "../ring/ring.ts";
import type { KeyMaterials } from "../ring/jwk.ts";

export interface Sources {
  readonly store: Store;
  readonly acks: AckReader;
  readonly clock: Clock;
  readonly judgeClock: (ring: Ring | undefined) => ClockVerdict;
}

/** One reading of everything, in the order that the planner relies on: acks, projections, ring, clock. */
export interface Sight {
  readonly observation: Observation;
  readonly snapshot: Snapshot;
  readonly clockVerdict: ClockVerdict;
  /** Public halves that a requested recovery brings along. */
  readonly brought: KeyMaterials;
  readonly warnings: readonly string[];
}

/** @param recoverySeenUpToMs - Requests for a recovery up to this instant count no more */
export async function observe(sources: Sources, now: Effective, recoverySeenUpToMs: number): Promise<Sight> {
  const { rotation, requests } = now;
  const { gateways, warnings } = await sources.acks.read(rotation.ref);
  const snapshot = await sources.store.read(rotation.ref);
  const { ring } = snapshot;
  const clockVerdict = sources.judgeClock(ring.reading.kind === "ring" ? ring.reading.ring : undefined);
  const nowMs = sources.clock.nowMs();
  const isAsked = (now.recoverRequestedAtMs ?? -Infinity) > recoverySeenUpToMs;
  const brought = isAsked ? await broughtKeys(now.recoverJwks, nowMs) : { keys: [], materials: new Map() };
  const found: Found = {
    ring: snapshot.ring.reading,
    signer: snapshot.signer.reading,
    public: snapshot.public.reading,
    claims: [...claimsOf(gateways), ...claimOfUnreadable(snapshot)],
    ...(isAsked && { recovery: { alsoVerify: brought.keys } }),
    nowMs,
  };
  const observation = {
    rotation: rotation.ref,
    policy: rotation.policy,
    requests,
    gateways,
    found,
    clockTrusted: clockVerdict.trusted,
  };
  return { observation, snapshot, clockVerdict, brought: brought.materials, warnings };
}

const claimsOf = (gateways: Observation["gateways"]): Found["claims"] =>
  gateways.flatMap(({ name, ack }) => (ack ? [{ by: name, generation: ack.generation }] : []));

/** The name of a ring file that can't be read still says how far the ring had come. */
const claimOfUnreadable = ({ ring }: Snapshot): Found["claims"] =>
  ring.reading.kind === "unreadable" ? [{ by: "the ring file's name", generation: ring.fileGeneration }] : [];
