import { createHash } from "node:crypto";
import type { Grant } from "../../../src/grants/grant.ts";
import { stepIdentity } from "../../../src/identity/machine/step-identity.ts";
import type { HeldPair } from "../../../src/identity/machine/held-pair.ts";
import type {
  IdentityEffect,
  IdentityEvent,
  IdentityState,
  Keep,
  ShownCredential,
} from "../../../src/identity/machine/identity-state.ts";
import { omit } from "../../model/world/omit.ts";
import type { Issued } from "../../../src/identity/pair-issuer.ts";
import type { ExchangeFailure } from "../../../src/identity/machine/identity-state.ts";
import { type answerTo } from "../../../src/identity/machine/wants.ts";

/** Time goes in ticks: two are a retry window, four the life of an access token, which is renewed after three. */
export const tickMs = 15_000;
export const windowMs = 2 * tickMs;
export const accessMs = 4 * tickMs;
export const refreshMs = 40 * tickMs;
const startMs = 1_800_000_000_000;

/** One small world: who is in it, and how often each thing may happen. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** Processes on one state. @default 1 */
  readonly processes?: 1 | 2;
  /** With each renewal the first credential is shown, too. Without that time does not pass the window while an answer is outstanding. */
  readonly isProven: boolean;
  readonly keep?: Keep;
  readonly budget: Partial<Budget>;
  /** Each with a rule taken out. @default those that ship */
  readonly step?: typeof stepIdentity;
  readonly answer?: typeof answerTo;
  /** The lock keeps nobody out. */
  readonly isLockless?: boolean;
}

interface Budget {
  readonly ticks: number;
  /** Answers and requests that are lost. */
  readonly losses: number;
  readonly crashes: number;
  /** Writes that the disk refuses. */
  readonly refusedWrites: number;
  readonly revocations: number;
  /** How often the first credential goes bad, or good again. */
  readonly credentialChanges: number;
  readonly hands: number;
  readonly refusals: number;
  readonly setBacks: number;
  readonly ends: number;
}

type Effect = Exclude<IdentityEffect, { kind: "tell" }>;

/** What a process waits for: the first of its effects, and how far that one is. */
export interface Running {
  readonly kind: "up";
  readonly state: IdentityState;
  readonly effects: readonly Effect[];
  /** The issuer has answered, and nobody has heard it yet. */
  readonly answer?: Issued | ExchangeFailure;
  /** The disk has it, and the process does not know yet. */
  readonly isWritten?: true;
  /** It was told no by the first credential, and nothing has changed since. */
  readonly isDenied?: true;
}

type Process = { readonly kind: "down" } | Running;

export interface World {
  /** The issuer's clock. */
  readonly nowMs: number;
  /** How far the clock of the processes is behind. */
  readonly behindMs: number;
  readonly grants: readonly Grant[];
  readonly disk?: HeldPair;
  readonly lockedBy?: number;
  readonly processes: readonly Process[];
  /** Requests of processes that died: they may arrive all the same. */
  readonly orphans: readonly ShownCredential[];
  readonly isCredentialGood: boolean;
  /** Refresh tokens of which the issuer said that they are dead. */
  readonly dead: readonly string[];
  /** Renewals of this tick that came of a refusal. */
  readonly refusedNow: number;
  readonly left: Budget;
  readonly breach?: string;
}

export const bytes = (text: string, length: number): Uint8Array =>
  createHash("sha256").update(text).digest().subarray(0, length);

export function firstWorld({ processes = 1, budget }: Scenario): World {
  const none = { losses: 0, crashes: 0, refusedWrites: 0, revocations: 0, credentialChanges: 0 };
  return {
    ...{ nowMs: startMs, behindMs: 0, grants: [], orphans: [], isCredentialGood: true, dead: [], refusedNow: 0 },
    processes: Array.from({ length: processes }, () => ({ kind: "down" })),
    left: { ticks: 0, ...none, hands: 0, refusals: 0, setBacks: 0, ends: 0, ...budget },
  };
}

/** What the processes take for now. */
export const ownNowMs = ({ nowMs, behindMs }: World): number => nowMs - behindMs;

/** The process after an event. Unlocking is done at once; the rest waits for its turn. */
export function happened(world: World, n: number, [event, scenario]: readonly [IdentityEvent, Scenario]): World {
  const process = world.processes[n];
  if (process?.kind !== "up") return world;
  const waiting = omit(process, "answer", "isWritten");
  const { state, effects } = (scenario.step ?? stepIdentity)(process.state, event, {
    nowMs: ownNowMs(world),
    chance: 0.999,
  });
  const isAnswer = ["locked", "notLocked", "answered", "failed", "saved", "notSaved", "removed"].includes(event.kind);
  const todo = [...waiting.effects.slice(isAnswer ? 1 : 0), ...effects.filter((effect) => effect.kind !== "tell")];
  const next: Running = {
    ...(isAnswer ? waiting : process),
    state,
    effects: todo.filter(({ kind }) => kind !== "unlock"),
  };
  const isUnlocked = effects.some(({ kind }) => kind === "unlock") && world.lockedBy === n;
  return { ...(isUnlocked ? omit(world, "lockedBy") : world), processes: world.processes.with(n, next) };
}
