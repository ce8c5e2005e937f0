import { createHash } from "node:crypto";
import { type Grant } from "../../../src/grants/grant.ts";
import { type RefreshToken } from "../../../src/grants/refresh-token.ts";
import { beginGrant, type Renewal, type RenewalRequest } from "../../../src/grants/renew.ts";
import { type Ledger, emptyLedger, entered } from "./ledger.ts";

/** Time goes in ticks; what ends is a few of them away. */
export const tickMs = 1000;
export const windowMs = 2 * tickMs;
export const capMs = 6 * tickMs;
const startMs = 1_000_000;

/** One small world: its people, and how often each thing may happen. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** How many processes work on the owner's one state. */
  readonly processes: 1 | 2;
  /** The owner proves himself with each renewal. */
  readonly isProven: boolean;
  /** Time does not pass the window while an owner's answer is outstanding: he asks again in it. */
  readonly isTimely?: boolean;
  readonly refreshTtlMs?: number;
  readonly notAfterTicks?: number;
  /** While a backup may be put back, tokens ahead of it carry it forward. */
  readonly recovers?: boolean;
  readonly budget: Partial<Budget>;
  /** What decides, with one rule taken out. @default the one that ships */
  readonly decide?: (grant: Grant, request: RenewalRequest) => Renewal;
}

interface Budget {
  readonly ticks: number;
  readonly renewals: number;
  readonly losses: number;
  readonly thefts: number;
  readonly revocations: number;
  readonly restores: number;
}

/** A process of the owner: what it asked with, or the answer that is on its way to it. */
export type Process =
  | { readonly kind: "idle" }
  | { readonly kind: "asking"; readonly shown: RefreshToken }
  | { readonly kind: "answered"; readonly got: RefreshToken };

export interface World {
  readonly nowMs: number;
  readonly grant: Grant;
  readonly ledger: Ledger;
  /** The row and the judge's book as the backup has them. */
  readonly backup?: { readonly grant: Grant; readonly ledger: Ledger };
  readonly isRestored: boolean;
  /** The state that the owner's processes share, on their disk. */
  readonly file: RefreshToken;
  readonly processes: readonly Process[];
  /** What the thief has: what he stole, and what he got for it. */
  readonly stolen: readonly RefreshToken[];
  readonly left: Budget;
  readonly breach?: string;
}

export const bytes = (text: string, length: number): Uint8Array =>
  createHash("sha256").update(text).digest().subarray(0, length);

export function firstWorld(scenario: Scenario): World {
  const { refreshTtlMs = 4 * tickMs, notAfterTicks, processes, budget } = scenario;
  const { grant, token } = beginGrant(
    { id: bytes("id", 16), markKey: bytes("mark", 32), secret: bytes("first", 32) },
    { refreshTtlMs, ...(notAfterTicks !== undefined && { notAfterMs: startMs + notAfterTicks * tickMs }) },
    { nowMs: startMs, maxRefreshTtlMs: capMs },
  );
  return {
    nowMs: startMs,
    grant,
    ledger: entered(emptyLedger, token),
    isRestored: false,
    file: token,
    processes: Array.from({ length: processes }, () => ({ kind: "idle" })),
    stolen: [],
    left: { ticks: 0, renewals: 3, losses: 0, thefts: 0, revocations: 0, restores: 0, ...budget },
  };
}
