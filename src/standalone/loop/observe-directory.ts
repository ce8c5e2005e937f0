import { recoveryIn } from "../../keeper/recovery.ts";
import type { Observation } from "../../ring/decide.ts";
import { claimOfAck, newestRing, type Found } from "../../ring/found.ts";
import type { KeyMaterials } from "../../ring/jwk.ts";
import { inForce } from "../../ring/obey.ts";
import type { Ring } from "../../ring/ring.ts";
import { algorithmOf } from "../../ring/resource/rotation.ts";
import type { AckReader } from "./ack-reader.ts";
import type { Clocks } from "../../time/clock.ts";
import type { ClockVerdict } from "./clock-guard.ts";
import type { Effective } from "../settings/effective.ts";
import type { State } from "./state-file.ts";
import type { Snapshot, DirectoryStore } from "../store/directory-store.ts";

export interface Sources {
  readonly store: DirectoryStore;
  readonly acks: AckReader;
  readonly clock: Clocks;
  readonly judgeClock: (ring: Ring | undefined) => ClockVerdict;
}

/** One reading of everything. */
export interface Sight {
  readonly observation: Observation;
  readonly snapshot: Snapshot;
  readonly clockVerdict: ClockVerdict;
  /** Public halves that a requested recovery brings along. */
  readonly brought: KeyMaterials;
  readonly warnings: readonly string[];
}

/** Reads everything in the order that the planner relies on: projections, acks, ring, clock. */
export async function observeDirectory(sources: Sources, now: Effective, state: State): Promise<Sight> {
  const { told, requests } = now;
  const { ref, warnings: ignored } = told.rotation;
  const identity = { rotation: ref, algorithm: algorithmOf(told.rotation) };
  const projections = await sources.store.readProjections(identity);
  const { gateways, warnings } = await sources.acks.read(ref);
  const ring = await sources.store.readRing(identity);
  const snapshot = { ring, ...projections };
  const clockVerdict = sources.judgeClock(ring.reading.kind === "ring" ? ring.reading.ring : undefined);
  // While the clock is not trusted only revocation runs, by what it says
  const wallMs = sources.clock.nowMs();
  const { nowMs, waitsFromMs } = clockVerdict.trusted ? clockVerdict : { nowMs: wallMs, waitsFromMs: wallMs };
  const recovery = recoveryIn(now, { seenUpToMs: state.recoverySeenUpToMs, nowMs, algorithm: identity.algorithm });
  const claims = [...claimsOf(gateways), ...claimOfUnreadable(snapshot), ...claimOfState(state)];
  const found = {
    ...readingsOf(snapshot),
    claims,
    ...(recovery.isAsked && { recovery: { alsoVerify: recovery.keys } }),
    nowMs,
    waitsFromMs,
  };
  const clockTrusted = clockVerdict.trusted;
  const said = inForce(told, { ring: newestRing(found), nowMs });
  return {
    observation: { rotation: ref, ...said, requests, gateways, found, clockTrusted },
    snapshot,
    clockVerdict,
    brought: recovery.materials,
    warnings: [...ignored, ...warnings, ...recovery.warnings],
  };
}

const readingsOf = ({ ring, signer, public: open }: Snapshot): Pick<Found, "ring" | "signer" | "public"> => ({
  ring: ring.reading,
  signer: signer.reading,
  public: open.reading,
});

const claimsOf = (gateways: Observation["gateways"]): Found["claims"] =>
  gateways.flatMap(({ name, ack }) => (ack ? [claimOfAck(name, ack)] : []));

/** The name of a ring file that can't be read still says how far the ring had come. */
const claimOfUnreadable = ({ ring }: Snapshot): Found["claims"] =>
  ring.reading.kind === "unreadable" ? [{ by: "the ring file's name", generation: ring.fileGeneration }] : [];

const claimOfState = ({ ringGeneration }: State): Found["claims"] =>
  ringGeneration === undefined ? [] : [{ by: "state.json", generation: ringGeneration }];
