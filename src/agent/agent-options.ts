import type { Address, TcpAddress } from "../http/address.ts";
import type { Log } from "../telemetry/log.ts";
import type { Chance } from "../time/backoff.ts";
import type { Clock } from "../time/clock.ts";
import type { AgentSpec } from "./agent-spec.ts";

/** What an agent is run with. */
export interface AgentOptions {
  readonly told: AgentOrders;
  /** Is given what reads the TokenAgent file at once. @default it is read when it changes */
  readonly rereadOn?: (reread: () => void) => void;
  /** Absolute. Where pairs are kept, and what was registered at run time. @default in memory: each start begins with the first credential */
  readonly stateDir?: string;
  /** The loopback API: a Unix socket or a loopback address; absent: none. */
  readonly listen?: Address;
  /** Absolute. Identities may be registered whose files lie below it; absent: none may. Over a Unix socket alone. */
  readonly registerDir?: string;
  /** What commands are given that are told of a new token. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Health and metrics; absent: none. */
  readonly adminListen?: TcpAddress;
  /** Ready is who has, for each identity that is always kept, a token that is good for so long; in milliseconds. */
  readonly readyMarginMs: number;
  /** Begins also where an identity has no token yet, and goes on trying. */
  readonly startWithout: boolean;
  /** So long requests that were begun may take after the signal, in milliseconds. */
  readonly drainMs: number;
  /** Of the program. */
  readonly version: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly newId: () => string;
  readonly log: Log;
  /** Ends it in good order. */
  readonly signal: AbortSignal;
  /** Told once everything is open. */
  readonly onListening?: (ports: AgentPorts) => void;
}

/** Where an agent's spec comes from. */
export type AgentOrders =
  /** A TokenAgent file, followed: a bad one is refused, and the one before stays in force. Documents of other kinds in it are passed over. */
  | { readonly kind: "file"; readonly path: string }
  /** For the agent's whole life: one identity by flags. */
  | { readonly kind: "fixed"; readonly spec: AgentSpec };

/** Ports of TCP; 0 for a Unix socket. */
export interface AgentPorts {
  readonly api?: number;
  readonly admin?: number;
  /** In the order of the spec. */
  readonly proxies: readonly number[];
}
