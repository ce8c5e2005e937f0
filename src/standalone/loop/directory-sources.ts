import type { ClockReading, Instructions, Sources } from "../../keeper/observe.ts";
import type { Found } from "../../ring/found.ts";
import type { Ring } from "../../ring/ring.ts";
import type { DirectoryStore } from "../store/directory-store.ts";
import type { DirectoryRead } from "../store/readings.ts";
import type { AckReader } from "./ack-reader.ts";
import type { State } from "./state-file.ts";

/** What reads a directory. */
export interface DirectoryReaders {
  readonly store: DirectoryStore;
  readonly acks: AckReader;
  readonly readClock: (ring: Ring | undefined) => ClockReading;
}

/** Where a pass over a directory reads. */
export function directorySources(
  { store, acks, readClock }: DirectoryReaders,
  instructions: Instructions,
  { recoverySeenUpToMs, ringGeneration }: State,
): Sources<DirectoryRead> {
  return {
    store,
    instructions,
    recoverySeenUpToMs,
    readGateways: () => acks.read(instructions.told.rotation.ref),
    readClock,
    claims: (ring) => [
      ...claimOfUnreadable(ring),
      ...(ringGeneration === undefined ? [] : [{ by: "state.json", generation: ringGeneration }]),
    ],
  };
}

/** The name of a ring file that can't be read still says how far the ring had come. */
const claimOfUnreadable = ({ reading, fileGeneration }: DirectoryRead): Found["claims"] =>
  reading.kind === "unreadable" ? [{ by: "the ring file's name", generation: fileGeneration }] : [];
