import type { Address } from "../http/address.ts";
import type { RegistryRules } from "./core/session-registry.ts";
import type { SessionTimings } from "./session-connection.ts";

/** How a gateway serves sessions. */
export interface SessionsOptions {
  /** WebSocket, and `PUT /sessions/ID`; absent: none. */
  readonly listen?: Address;
  /** gRPC; absent: none. */
  readonly grpcListen?: Address;
  /** Where the application attaches: a Unix socket, or a loopback address. */
  readonly hubListen: Address;
  /** Pages of these origins may connect. */
  readonly origins: readonly string[];
  readonly rules: RegistryRules;
  readonly timings: SessionTimings;
  /** The way to other replicas; absent: there are none. */
  readonly bus?: BusOptions;
}

/** A bus of NATS. */
export interface BusOptions {
  /** `nats://HOST:PORT` or `tls://HOST:PORT` each, servers of one cluster. Without a user and a password. */
  readonly servers: readonly string[];
  /** What all subjects begin with: of a gateway's replicas the same, of another gateway another. */
  readonly prefix: string;
  /** A file of NATS credentials (`.creds`), read at each connection. @default none are shown */
  readonly credentialsFile?: string;
  /** PEM certificates that the server's is signed by, read at each connection. @default those of the system */
  readonly caFile?: string;
}

/** What is in force where nothing else is said. */
export const defaultSessionRules: RegistryRules = {
  graceMs: 25_000,
  keepMs: 60_000,
  queueMessages: 64,
  queueBytes: 1_048_576,
  peers: 20_000,
  peersOfSubject: 100,
  totalBytes: 67_108_864,
};

/** The same. */
export const defaultSessionTimings: SessionTimings = { helloMs: 5000, heartbeatMs: 15_000 };
