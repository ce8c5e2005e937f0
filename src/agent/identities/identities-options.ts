import type { PairIssuer } from "../../identity/pair-issuer.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Chance } from "../../time/backoff.ts";
import type { Clock } from "../../time/clock.ts";
import type { AgentIdentities } from "../agent-identities.ts";
import type { AgentSpec, IdentitySpec } from "../agent-spec.ts";
import type { Sink } from "../sinks/sink.ts";
import type { AgentNews } from "./agent-news.ts";

export interface IdentitiesOptions {
  /** With the identities of the file. */
  readonly spec: AgentSpec;
  /** @default in memory: each start begins with the first credential, and nothing that was registered is there again */
  readonly stateDir?: string;
  /** Begins also where an identity of the file has no token yet, and goes on trying. */
  readonly startWithout: boolean;
  readonly openSource: (identity: IdentitySpec) => PairIssuer;
  readonly openSinks: (identity: IdentitySpec) => readonly Sink[];
  /** Tells whoever is to be told of a new token, after its places have it; called for those alone that say so. @throws KeyturnError */
  readonly notify: (identity: IdentitySpec) => Promise<void>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** Whoever begins is to end already: nothing is waited for. @default it begins in any case */
  readonly signal?: AbortSignal;
  /** @default nobody counts */
  readonly onNews?: (news: AgentNews) => void;
}

/** Every identity of an agent, and what its file and its end do to them. */
export interface OpenIdentities extends AgentIdentities {
  /**
   * The file has these from now on. Whoever is the same stays as it is; whoever is another one is begun anew, with the token that it has where that is
   * for the same; whoever is there no longer is forgotten. Who was registered follows to another issuer. Resolves when that is done, also where there is no token yet.
   */
  apply(spec: AgentSpec): Promise<void>;
  /** Ends all of them; what is on the disk stays. */
  close(): Promise<void>;
}
