import type { PeerState } from "../../../src/sessions/core/peer-state.ts";
import type { revokedBetween, SessionToken } from "../../../src/sessions/core/session-token.ts";
import type { stepPeer } from "../../../src/sessions/core/step-peer.ts";
import type { SessionEnd } from "../../../src/sessions/core/session-end.ts";

export const tickMs = 15_000;
const lifeMs = 3 * tickMs;
export const graceMs = 15_000;
export const keepMs = 3 * tickMs;
export const drainMs = 2 * tickMs;
const startMs = 1_800_000_000_000;

/** One small world: how often each thing may happen in it. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** It begins with a session that both know: then every later one goes on with it. */
  readonly isKnown?: true;
  readonly budget: Partial<Budget>;
  /** Each with a rule taken out. @default those that ship */
  readonly step?: typeof stepPeer;
  readonly revoked?: typeof revokedBetween;
  /** The client does not remember the ids of what it has had. */
  readonly isForgetful?: true;
}

interface Budget {
  readonly ticks: number;
  readonly connects: number;
  /** Connections that break, with all that is under way on them. */
  readonly losses: number;
  /** Messages to the client. */
  readonly down: number;
  /** Messages of the client. */
  readonly up: number;
  /** Tokens that the client gets after its first. */
  readonly tokens: number;
  readonly renewals: number;
  /** The signer changes; and the key before it is pruned. */
  readonly rotations: number;
  readonly keyRevocations: number;
  readonly grantRevocations: number;
  readonly drains: number;
  /** The gateway begins anew, and knows nothing. */
  readonly restarts: number;
  /** The client begins anew, and knows nothing. */
  readonly crashes: number;
}

/** What is said on a connection. */
export type Upward =
  | { readonly kind: "hello"; readonly token: SessionToken; readonly resume?: { sessionId: string; received: number } }
  | { readonly kind: "message"; readonly seq: number; readonly id: string }
  | { readonly kind: "received"; readonly seq: number };
export type Downward =
  | { readonly kind: "accepted"; readonly sessionId: string; readonly isResumed: boolean; readonly received: number }
  | { readonly kind: "message"; readonly seq: number; readonly id: string }
  | { readonly kind: "received"; readonly seq: number }
  | { readonly kind: "closing"; readonly end: SessionEnd };

export interface Connection {
  readonly id: string;
  /** Under way; what breaks loses it. */
  readonly up: readonly Upward[];
  readonly down: readonly Downward[];
  /** As the gateway has it: nothing was heard, or a session is open, or it has told the client to go. */
  readonly phase: "new" | "open" | "closed";
  /** The end of the newest token that was shown on it. */
  readonly shownEndMs: number;
  readonly shown?: SessionToken;
  /** Where it goes on, while its hello waits for another replica. */
  readonly resume?: { readonly sessionId: string; readonly received: number };
  /** Broken, and the side has not noticed yet. */
  readonly isBroken?: true;
}

/** An honest client: what it must do is all that the protocol asks of one. */
export interface Client {
  readonly token: SessionToken;
  /** The last one that it was accepted for. */
  readonly sessionId?: string;
  readonly received: number;
  /** Sent, and not confirmed. */
  readonly unconfirmed: readonly { readonly seq: number; readonly id: string }[];
  readonly lastSeq: number;
  /** The connection that it uses. */
  readonly current?: string;
  /** What it has had, in order, since it began; and of its own, what is confirmed, and what it was told that nobody knows. */
  readonly had: readonly string[];
  readonly confirmed: readonly string[];
  readonly inDoubt: readonly string[];
}

interface Application {
  /** Sent, in order. */
  readonly sent: readonly string[];
  readonly answers: Readonly<Record<string, string>>;
  /** Heard, in order; and not yet taken. */
  readonly had: readonly string[];
  readonly toTake: readonly { readonly lineage: string; readonly seq: number; readonly id: string }[];
  readonly taken: readonly string[];
}

export interface World {
  readonly nowMs: number;
  readonly peer?: PeerState;
  readonly connections: readonly Connection[];
  /** Renewals in place that are under way, each a call by itself. */
  readonly renewals: readonly { readonly sessionId: string; readonly token: SessionToken }[];
  readonly client: Client;
  readonly application: Application;
  /** How many messages the client has ever sent. */
  readonly said: readonly string[];
  /** Every message that some client has had, also one that has crashed since. */
  readonly everHad: readonly string[];
  readonly signer: number;
  readonly prunedKids: readonly string[];
  readonly revokedKids: readonly string[];
  readonly isGrantRevoked: boolean;
  readonly drainsUntilMs?: number;
  readonly count: number;
  readonly left: Budget;
  readonly breach?: string;
}

export const kidOf = (signer: number): string => `key-${signer}`;

export const tokenAt = ({ nowMs, signer }: Pick<World, "nowMs" | "signer">): SessionToken => ({
  subject: "alice",
  kid: kidOf(signer),
  grant: "grant",
  issuedAtMs: nowMs,
  expiresAtMs: nowMs + lifeMs,
  claims: "",
});

export function newClient(token: SessionToken): Client {
  return { token, received: 0, unconfirmed: [], lastSeq: 0, had: [], confirmed: [], inDoubt: [] };
}

export function emptyWorld({ budget }: Scenario): World {
  const start = { nowMs: startMs, signer: 1 };
  const none = { ticks: 0, losses: 0, down: 0, up: 0, tokens: 0, renewals: 0, rotations: 0, keyRevocations: 0 };
  return {
    ...start,
    connections: [],
    renewals: [],
    client: newClient(tokenAt(start)),
    application: { sent: [], answers: {}, had: [], toTake: [], taken: [] },
    ...{ said: [], everHad: [], prunedKids: [], revokedKids: [], isGrantRevoked: false, count: 0 },
    left: { ...none, connects: 1, grantRevocations: 0, drains: 0, restarts: 0, crashes: 0, ...budget },
  };
}

/** A token that a verifier takes now. */
export const isGood = (world: World, token: SessionToken): boolean => !isRevoked(world, token);

export const isRevoked = (world: World, { kid, grant }: SessionToken): boolean =>
  world.revokedKids.includes(kid) || (world.isGrantRevoked && grant === "grant");
