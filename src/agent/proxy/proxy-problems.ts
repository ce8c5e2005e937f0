import { KeyturnError, TryLaterError } from "../../errors/keyturn-error.ts";
import type { Problem } from "../../http/problem.ts";
import type { IdentityStatus } from "../../identity/kept-identity.ts";
import type { CallFailure } from "./upstream-call.ts";

/** Names of codes that applications and metrics see, beside those of the guard. */
export const identityUnknown: Problem = {
  status: 503,
  code: "IdentityUnknown",
  title: "The agent has no identity of the proxy's name",
};

export const upgradeWithBody: Problem = {
  status: 400,
  code: "UpgradeWithBody",
  title: "A request for another protocol must have no body",
};

export const tunnelRefused: Problem = {
  status: 405,
  code: "TunnelRefused",
  title: "CONNECT is not passed on: this proxy leads to one upstream, and is none for HTTPS_PROXY",
};

export const proxyFailed: Problem = { status: 500, code: "ProxyFailed", title: "This is a defect of Keyturn" };

/** There is no token: why not, and whether it helps to come again. */
export function tokenProblem(error: unknown, { nextAtMs }: IdentityStatus, nowMs: number): Problem {
  if (!(error instanceof KeyturnError)) return proxyFailed;
  const detail = `${error.code}: ${error.message}`;
  if (!(error instanceof TryLaterError))
    return { status: 503, code: "TokenRefused", title: "The issuer gives the agent no token", detail };
  return {
    status: 503,
    code: "IssuerAway",
    title: "The agent has no token at the moment, and goes on asking for one",
    detail,
    retryAfterSeconds: Math.max(1, Math.ceil(((nextAtMs ?? nowMs) - nowMs) / 1000)),
  };
}

/** The upstream gave no answer. */
export function upstreamProblem({ kind, why: detail }: CallFailure): Problem {
  switch (kind) {
    case "away":
      return { status: 502, code: "UpstreamAway", title: "The upstream could not be connected", detail };
    case "broke":
      return {
        status: 502,
        code: "UpstreamBroke",
        title: "The upstream ended the connection without an answer",
        detail,
      };
    case "silent":
      return { status: 504, code: "UpstreamSilent", title: "The upstream did not answer in time", detail };
  }
}
