import type { Ack } from "../ring/ack.ts";
import { seenOf } from "../ring/lineage.ts";
import { keysOf, type RingSettings } from "../ring/ring.ts";
import { propagationMs } from "./freshness.ts";
import type { Half } from "./open-ring.ts";
import type { HolderState } from "./state.ts";

/** What the gateway states of the ring in memory. @returns generation 0 while there is none */
export function ackOf({ current, refused, half, sourceUnfit }: HolderState): Ack {
  if (current === undefined) return zero;
  const { ring } = current;
  return {
    ...seenOf(ring),
    verifies: keysOf(ring)
      .map(({ kid }) => kid)
      .filter((kid) => !refused.has(kid)),
    ...(half && { signs: half.kid }),
    ...(sourceUnfit && { sourceUnfit }),
  };
}

/** "Starting": confirms nothing. */
export const zero: Ack = { generation: 0, verifies: [] };

/** True when both say the same. The order of `verifies` means nothing. */
export function isSameAck(a: Ack | undefined, b: Ack | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const kids = new Set(a.verifies);
  return (
    a.generation === b.generation &&
    a.writeId === b.writeId &&
    a.signs === b.signs &&
    a.sourceUnfit === b.sourceUnfit &&
    kids.size === b.verifies.length &&
    b.verifies.every((kid) => kids.has(kid))
  );
}

/** True while traffic may come. */
export const isReady = ({ current, stage, degraded }: HolderState): boolean =>
  current !== undefined && (stage === "serving" || degraded);

/** Why it is not ready, for people; undefined while it is. */
export function whyNotReady(state: HolderState): string | undefined {
  if (isReady(state)) return undefined;
  const waits = {
    silent: "is to acknowledge generation 0",
    zeroed: "is to read the ring from its source",
    loaded: "is to acknowledge the ring",
    acked: "is to read the ring once more",
    serving: "is ready",
  } as const;
  const wait = state.current === undefined ? "no ring yet" : waits[state.stage];
  return [wait, ...problemsOf(state)].join("; ");
}

/** What is wrong with each source, one line each; nothing while all is well. */
export const problemsOf = ({ problems }: HolderState): readonly string[] =>
  Object.entries(problems).flatMap(([from, problem]) => (problem === undefined ? [] : [`${from}: ${problem}`]));

/** Why minting is not possible: no key at all, or no fresh word that the key still signs. */
export type NoMint = "no-half" | "unconfirmed";

export interface MintView {
  readonly half: Half;
  /** No token may end later, Unix milliseconds; Infinity where nobody can confirm. */
  readonly fenceAtMs: number;
}

/**
 * With what, and until when, tokens may be made: `exp ≤ lastConfirmed + rotationWindow − 2 × clockSkew`. A key that is demoted
 * after the last word stays verifiable for its rotation window; the skew is taken off twice, since this clock may be ahead
 * and a verifier's behind.
 *
 * @param nowMs - Unix milliseconds; a confirmation from the future (a clock that was set back) is none
 */
export function mintView(state: HolderState, nowMs: number): MintView | NoMint {
  const { setup, current, half, confirmed } = state;
  if (current === undefined || half === undefined) return "no-half";
  if (!setup.fenced) return { half, fenceAtMs: Infinity };
  if (confirmed?.kid !== half.kid || confirmed.askedAtMs > nowMs) return "unconfirmed";
  return { half, fenceAtMs: confirmed.askedAtMs + roomMs(current.ring.settings) };
}

const roomMs = ({ rotationWindowMs, clockSkewMs }: RingSettings): number => rotationWindowMs - 2 * clockSkewMs;

/**
 * How old the last word of the source of truth may grow before it is asked again, in milliseconds: min(20 s, rotationWindow ÷ 8,
 * propagation wait ÷ 4, but for that not below 1 s), times the gateway's pace. That is also how a watch is found out that is deaf.
 */
export function confirmEveryMs({ setup, current }: HolderState): number {
  const pace = setup.pace ?? 1;
  if (current === undefined) return 20_000 * pace;
  const { rotationWindowMs } = current.ring.settings;
  return Math.min(20_000, rotationWindowMs / 8, Math.max(1000, propagationMs(current.ring) / 4)) * pace;
}

/** What the shell is to do next. */
export type Want =
  /** Keep the floor, unless the ack is of generation 0; then write the ack. */
  | { readonly kind: "ack"; readonly ack: Ack }
  /** Read the source of truth, uncached. */
  | { readonly kind: "read" }
  /** Nothing before this instant, Unix milliseconds: a confirmation grows old. */
  | { readonly kind: "wait"; readonly untilMs: number };

const waitForEver: Want = { kind: "wait", untilMs: Infinity };

/** @param nowMs - Unix milliseconds */
export function wants(state: HolderState, nowMs: number): Want {
  const { stage, setup } = state;
  switch (stage) {
    case "silent":
      // An ack names its rotation
      return setup.rotation === undefined && state.current === undefined ? waitForEver : { kind: "ack", ack: zero };
    case "zeroed":
    case "acked":
      return { kind: "read" };
    case "loaded":
      return { kind: "ack", ack: ackOf(state) };
    case "serving": {
      const ack = ackOf(state);
      const isDue = setup.acks === "required" && state.current !== undefined && !isSameAck(state.acked, ack);
      return isDue ? { kind: "ack", ack } : confirmation(state, nowMs);
    }
    default:
      return stage satisfies never;
  }
}

/** To read the source of truth as soon as its last word is old, or says nothing of the key that signs here. */
export function confirmation(state: HolderState, nowMs: number): Want {
  const { setup, half, confirmed, heard, stage } = state;
  if (stage !== "serving") return waitForEver;
  const isUnconfirmed = setup.fenced && half !== undefined && confirmed?.kid !== half.kid;
  const { askedAtMs } = heard;
  if (isUnconfirmed || askedAtMs === undefined) return { kind: "read" };
  const untilMs = askedAtMs + confirmEveryMs(state);
  // A wall clock that was set back: the confirmation comes from the future
  return nowMs >= untilMs || nowMs < askedAtMs ? { kind: "read" } : { kind: "wait", untilMs };
}
