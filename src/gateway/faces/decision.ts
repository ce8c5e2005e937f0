import type { RefusalReason } from "../../jwt/reasons.ts";
import type { Requirements } from "../../jwt/requirements.ts";
import type { Verifier } from "../../jwt/verifier.ts";
import type { HeaderList } from "../../http/answer.ts";
import { type CredentialFlaw, bearerOf } from "../../http/bearer.ts";
import { type OwnedHeader, ownedHeaders } from "./owned-headers.ts";

/** What became of a request, for metrics. */
export type AuthOutcome = "Accepted" | "NotReady" | CredentialFlaw | RefusalReason;

/** What a proxy is told of a request that it asks about. */
export interface AuthDecision {
  /** 200 with every owned header, 401 and 403 with a challenge, or 503 while not ready. */
  readonly status: 200 | 401 | 403 | 503;
  readonly headers: HeaderList;
}

/** @param rawHeaders - Of the request that is asked about; names and values in turn, as they came */
export type Decide = (rawHeaders: readonly string[]) => AuthDecision;

export interface AuthOptions {
  /** The verifier in force; undefined while the gateway takes no traffic. */
  readonly verifier: () => Verifier | undefined;
  readonly required: Requirements;
  readonly owned: readonly OwnedHeader[];
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  readonly count: (outcome: AuthOutcome) => void;
}

/** RFC 6750 §3. One answer for all that is wrong with a token: the reason is in the metrics, not for the caller. */
const denied: AuthDecision = { status: 401, headers: ["www-authenticate", "Bearer"] };
/** RFC 6750 §3.1: the token is good, and grants too little. */
const forbidden: AuthDecision = { status: 403, headers: ["www-authenticate", 'Bearer error="insufficient_scope"'] };
const unavailable: AuthDecision = { status: 503, headers: [] };

/** One decision for every proxy, whatever it speaks; each is counted. */
export function decider({ verifier, required, owned, nowMs, count }: AuthOptions): Decide {
  const outcomeOf = (rawHeaders: readonly string[]): readonly [AuthOutcome, AuthDecision] => {
    const inForce = verifier();
    if (inForce === undefined) return ["NotReady", unavailable];
    const credentials = bearerOf(rawHeaders);
    if ("flaw" in credentials) return [credentials.flaw, denied];
    const verdict = inForce.verify(credentials.token, nowMs(), required);
    if (verdict.ok) return ["Accepted", { status: 200, headers: ownedHeaders(owned, verdict.claims) }];
    return [verdict.reason, verdict.reason === "ScopeMissing" ? forbidden : denied];
  };
  return (rawHeaders) => {
    const [outcome, decision] = outcomeOf(rawHeaders);
    count(outcome);
    return decision;
  };
}
