import type { Grant } from "../../../src/grants/grant.ts";
import { formatRefreshToken, parseRefreshToken, type RefreshToken } from "../../../src/grants/refresh-token.ts";
import { beginGrant, renew } from "../../../src/grants/renew.ts";
import type { ExchangeFailure, ShownCredential } from "../../../src/identity/machine/identity-state.ts";
import type { Issued } from "../../../src/identity/pair-issuer.ts";
import { jwtWith } from "../support/pairs.ts";
import { accessMs, bytes, refreshMs, type Scenario, windowMs, type World } from "./world.ts";

type Answered = readonly [to: World, answer: Issued | ExchangeFailure];

/** What the issuer does with a credential: the pure functions that ship decide. */
export function issuerAnswers(world: World, scenario: Scenario, shown: ShownCredential): Answered {
  if (shown.kind === "first") return begin(world, scenario);
  const token = parseRefreshToken(shown.token);
  const at = world.grants.findIndex(({ id }) => Buffer.from(id).equals(token?.grantId ?? Buffer.of()));
  const grant = world.grants[at];
  if (token === undefined || grant === undefined) throw new Error("a token that was never given out");
  // A proof that is shown must be good, or the token is not even looked at
  if (scenario.isProven && !world.isCredentialGood) return [world, denied("secret", false)];
  const answer = renew(grant, {
    ...{ shown: token, nowMs: world.nowMs, salt: bytes(`salt ${grant.generation}`, 32) },
    isProven: scenario.isProven,
    policy: { retryWindowMs: windowMs },
  });
  const to = "grant" in answer ? { ...world, grants: world.grants.with(at, answer.grant) } : world;
  if (answer.kind === "renewed" || answer.kind === "replayed") {
    return [to, issued(world, at, { grant, token: answer.successor })];
  }
  const reason = answer.kind === "ended" ? "reused" : answer.reason;
  const isOwn = grant.revoked?.reason === "revoked";
  return [{ ...to, ...(!isOwn && { breach: `(a) the grant is lost: ${reason}` }) }, denied(reason, true)];
}

function begin(world: World, { budget }: Scenario): Answered {
  if (!world.isCredentialGood) return [world, denied("secret", false)];
  // Where credentials go bad a denial may have come of that
  const isAlive = budget.credentialChanges === undefined && world.grants.some(({ revoked }) => revoked === undefined);
  const isHeld = world.disk?.refresh !== undefined && !world.dead.includes(world.disk.refresh.token);
  const at = world.grants.length;
  const seed = { id: bytes(`id ${at}`, 16), markKey: bytes(`mark ${at}`, 32), secret: bytes(`first ${at}`, 32) };
  const { grant, token } = beginGrant(seed, { refreshTtlMs: refreshMs }, { nowMs: world.nowMs });
  return [
    {
      ...world,
      grants: [...world.grants, grant],
      ...(isAlive && isHeld && { breach: "(a) a grant that lives is left for another" }),
    },
    issued(world, at, { grant, token }),
  ];
}

function issued(world: World, at: number, { token }: { readonly grant: Grant; readonly token: RefreshToken }): Issued {
  const endsAtMs = world.nowMs + accessMs;
  return {
    kind: "issued",
    issued: {
      // Of which grant, which generation, and when it really ends
      accessToken: jwtWith({ jti: `${at}.${token.generation}.${endsAtMs}` }),
      expiresInSeconds: accessMs / 1000,
      refreshToken: formatRefreshToken(token),
      refreshExpiresInSeconds: refreshMs / 1000,
    },
  };
}

const denied = (code: string, isTokenDead: boolean): ExchangeFailure => ({
  kind: "denied",
  code,
  message: code,
  isTokenDead,
});
