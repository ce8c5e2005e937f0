/** What came of the agent's work for one identity, to be counted. `ended`: it is no longer there. */
export interface AgentNews {
  /** Its name. */
  readonly identity: string;
  readonly outcome: AgentOutcome | "ended";
}

/**
 * `renewed`: there is a new token. `away`: nothing came of it, and it is tried again. `denied`: the issuer says no. `sinkFailed`: a place did not
 * take the token. `notifyFailed`: nobody could be told of it.
 */
export type AgentOutcome = (typeof agentOutcomes)[number];

export const agentOutcomes = ["renewed", "away", "denied", "sinkFailed", "notifyFailed"] as const;
