import type { Ack } from "../ring/ack.ts";
import type { Kid } from "../ring/key.ts";
import type { Half, OpenRing } from "./open-ring.ts";

/** How a gateway is set up. Never changes while it runs. */
export interface Setup {
  /** Name of the JwtKeyRotation; a ring of another one is refused. @default that of the first ring that comes */
  readonly rotation?: string;
  /** `required`: Ready only after the source of truth was read, acknowledged and read once more. */
  readonly acks: "required" | "off";
  /** Tokens must end within what the source of truth confirmed. False where nobody can confirm: on a mount alone. */
  readonly fenced: boolean;
  /** Share of the longest time between two reads of the source of truth, above 0 to 1, so that a fleet does not ask in step. @default 1 */
  readonly pace?: number;
}

/**
 * How far a gateway that acknowledges has come. `silent`: generation 0 is to be written · `zeroed`: to read the source of
 * truth · `loaded`: to acknowledge · `acked`: to read once more · `serving`: done. One that doesn't acknowledge serves from the
 * beginning.
 */
type Stage = "silent" | "zeroed" | "loaded" | "acked" | "serving";

/** Where rings come from: the mounted directory, the watch, an uncached read of the source of truth. */
export type Source = "mount" | "watch" | "truth";

/** The last word of the source of truth that a key signs. */
export interface Confirmation {
  readonly kid: Kid;
  /** When the question was asked, Unix milliseconds: the answer may have been a long time on its way. */
  readonly askedAtMs: number;
}

/** How fresh the ring in memory is: the last word of the source of truth, or else the start. */
interface Freshness {
  /** When the question was asked, Unix milliseconds; undefined: no answer yet. */
  readonly askedAtMs: number | undefined;
  /** When the answer came, monotonic milliseconds: the wall clock may be set back. */
  readonly atMonotonicMs: number;
  /** It showed an older ring than the one in memory, or none: the source went back. */
  readonly isBehind: boolean;
}

/** What outlives the container, in an emptyDir: nothing older is served after a restart. */
export interface Floor {
  readonly ring: OpenRing;
  readonly refused: ReadonlySet<Kid>;
  readonly confirmed?: Confirmation;
}

/** All that a gateway knows. Changed by `reduce` alone. */
export interface HolderState {
  readonly setup: Setup;
  readonly stage: Stage;
  /** The ring in memory: the newest of all that were shown. */
  readonly current: OpenRing | undefined;
  /** Of the current signer. Outlives a ring that lost it. */
  readonly half: Half | undefined;
  /** Every kid that any source ever called revoked. */
  readonly refused: ReadonlySet<Kid>;
  readonly confirmed: Confirmation | undefined;
  readonly heard: Freshness;
  /** The ack that stands, as far as is known. */
  readonly acked: Ack | undefined;
  /** Generation 0 may stand although no answer came: whoever reads it does not wait for this gateway. */
  readonly promised: boolean;
  /** Ready without the source of truth: its JWKS may lack a key that is being published. */
  readonly degraded: boolean;
  /** Since when the source of truth has been out of reach, monotonic milliseconds; undefined while it answers. */
  readonly awaySinceMs: number | undefined;
  /** What was kept in the emptyDir can't be read: what was served before is not known. */
  readonly floorLost: boolean;
  /** The last that the API server said: there is no ring, or an older one. What a mount or a directory shows is no such word. */
  readonly sourceUnfit: boolean;
  /** What is wrong with each source now, one line each. */
  readonly problems: Readonly<Partial<Record<Source | "ack", string | undefined>>>;
}

/** So long may the source of truth be out of reach before a gateway takes traffic without it, in milliseconds. */
export const awayPatienceMs = 30_000;

/** @param floor - `"lost"`: there is one, and it can't be read */
export function newHolder(setup: Setup, floor: Floor | "lost" | undefined, monotonicMs: number): HolderState {
  const kept = floor === "lost" ? undefined : floor;
  const revoked = kept?.ring.ring.revoked.map(({ kid }) => kid) ?? [];
  return {
    setup,
    stage: setup.acks === "required" ? "silent" : "serving",
    current: kept?.ring,
    half: undefined,
    refused: new Set([...(kept?.refused ?? []), ...revoked]),
    confirmed: kept?.confirmed,
    heard: { askedAtMs: undefined, atMonotonicMs: monotonicMs, isBehind: false },
    acked: undefined,
    promised: false,
    degraded: false,
    awaySinceMs: monotonicMs,
    floorLost: floor === "lost",
    sourceUnfit: false,
    problems: {},
  };
}
