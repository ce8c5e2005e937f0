import type { Requirements } from "../../jwt/requirements.ts";
import type { RefusalReason } from "../../jwt/reasons.ts";
import type { Verifier } from "../../jwt/verifier.ts";
import type { CredentialFlaw } from "./bearer.ts";
import { credentialsOf } from "./bearer.ts";
import { empty, hasBody, type HeaderList } from "./answer.ts";
import type { Handler } from "./listener.ts";
import { type OwnedHeader, ownedHeaders } from "./owned-headers.ts";

/** What became of a request, for metrics. */
export type Outcome = "Accepted" | "NotReady" | CredentialFlaw | RefusalReason;

export interface ForwardAuthOptions {
  /** The verifier in force; undefined while the gateway takes no traffic. */
  readonly verifier: () => Verifier | undefined;
  readonly required: Requirements;
  readonly owned: readonly OwnedHeader[];
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  readonly count: (outcome: Outcome) => void;
}

/** RFC 6750 §3. One answer for all that is wrong with a token: the reason is in the metrics, not for the caller. */
const denied: HeaderList = ["www-authenticate", "Bearer"];
/** RFC 6750 §3.1: the token is good, and grants too little. */
const forbidden: HeaderList = ["www-authenticate", 'Bearer error="insufficient_scope"'];

/**
 * The decision for nginx `auth_request`, Traefik and Caddy `forward_auth` and Envoy's ext_authz over HTTP: 200 with every owned
 * header, 401, 403 where a required scope is missing, 503 while not ready; any method, never a body.
 */
export function forwardAuth({ verifier, required, owned, nowMs, count }: ForwardAuthOptions): Handler {
  const decide = (rawHeaders: readonly string[]): Decision => {
    const inForce = verifier();
    if (inForce === undefined) return { outcome: "NotReady", status: 503, headers: [] };
    const credentials = credentialsOf(rawHeaders);
    if ("flaw" in credentials) return { outcome: credentials.flaw, status: 401, headers: denied };
    const verdict = inForce.verify(credentials.token, nowMs(), required);
    if (verdict.ok) return { outcome: "Accepted", status: 200, headers: ownedHeaders(owned, verdict.claims) };
    const isForbidden = verdict.reason === "ScopeMissing";
    return { outcome: verdict.reason, status: isForbidden ? 403 : 401, headers: isForbidden ? forbidden : denied };
  };
  return (request, response) => {
    const { outcome, status, headers } = decide(request.rawHeaders);
    count(outcome);
    // Nobody reads the body, so nobody waits for it
    if (hasBody(request)) response.shouldKeepAlive = false;
    empty(response, status, headers);
  };
}

interface Decision {
  readonly outcome: Outcome;
  readonly status: number;
  readonly headers: HeaderList;
}
