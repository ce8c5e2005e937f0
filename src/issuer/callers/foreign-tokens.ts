import { errors, jwtVerify, type JWTVerifyGetKey } from "jose";
import { quoted } from "../../errors/quote.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Clock } from "../../time/clock.ts";
import { claimAt } from "../config/claims.ts";
import type { Trust } from "../config/token-issuer.ts";
import { type ForeignCaller, type RefusedCaller, refusedCaller } from "./caller.ts";
import { examine, type Examined } from "./examine.ts";
import { type Failed, failed } from "./read-foreign.ts";
import { NoKeysError, UnknownKeyError } from "./remote-keys.ts";
import type { SingleUse } from "./single-use.ts";
import type { TokenReviews } from "./token-review.ts";

/** What says whether a token was signed by its issuer. */
export type Judge =
  | { readonly kind: "keys"; readonly keyFor: JWTVerifyGetKey }
  | { readonly kind: "review"; readonly reviews: TokenReviews };

export interface ForeignOptions {
  /** Each issuer that is trusted, with what judges its tokens. */
  readonly judges: ReadonlyMap<Trust, Judge>;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Log;
  /** Outlives a reload of the file. */
  readonly singleUse: SingleUse;
}

/** Tokens of others, and who their bearers are. What fails is logged with the check that it failed. */
export class ForeignTokens {
  readonly #options: ForeignOptions;
  readonly #trusts: readonly Trust[];

  constructor(options: ForeignOptions) {
    this.#options = options;
    this.#trusts = [...options.judges.keys()];
  }

  async verify(token: string): Promise<ForeignCaller | RefusedCaller> {
    const nowMs = this.#options.clock.nowMs();
    const examined = examine(token, this.#trusts, nowMs);
    if ("failed" in examined) return this.#refuse(examined);
    const flaw = (await this.#judge(token, examined, nowMs)) ?? this.#useOnce(examined, nowMs);
    return flaw ? this.#refuse(flaw, examined) : callerOf(examined);
  }

  #refuse({ failed: check, must }: Failed, examined?: Examined): RefusedCaller {
    const names = examined && {
      trust: examined.trust.name,
      issuer: quoted(examined.trust.issuer),
      subject: quoted(examined.foreignSubject),
      rule: examined.rule.name,
    };
    this.#options.log.warn({ check, ...names }, `Cannot exchange a token: ${must}`);
    return refusedCaller(check === "keys" ? "temporarily_unavailable" : "invalid_grant", check, must);
  }

  async #judge(token: string, { trust, claims }: Examined, nowMs: number): Promise<Failed | undefined> {
    const judge = this.#options.judges.get(trust);
    switch (judge?.kind) {
      case "keys":
        return signatureFlaw(token, judge.keyFor, { trust, nowMs });
      case "review":
        return judge.reviews.flawOf(token, claims);
      case undefined:
        return failed("keys", "must be of an issuer that is trusted");
      default:
        return judge satisfies never;
    }
  }

  #useOnce({ trust, claims, expiresAtMs }: Examined, nowMs: number): Failed | undefined {
    if (!trust.singleUse) return undefined;
    const { jti } = claims;
    if (typeof jti !== "string" || jti === "") return failed("single-use", "must have a jti");
    const untilMs = expiresAtMs + trust.clockSkewMs;
    const use = this.#options.singleUse.use({ issuer: trust.issuer, jti, untilMs }, nowMs);
    if (use === "full") return failed("keys", "must be asked again later: too many tokens are remembered");
    return use === "used" ? failed("single-use", "must not have been exchanged before") : undefined;
  }
}

/** jose looks at all claims once more: what `examine` would let pass by a mistake, it does not. */
async function signatureFlaw(
  token: string,
  keyFor: JWTVerifyGetKey,
  { trust, nowMs }: { readonly trust: Trust; readonly nowMs: number },
): Promise<Failed | undefined> {
  try {
    await jwtVerify(token, keyFor, {
      algorithms: [...trust.algorithms],
      issuer: trust.issuer,
      audience: [...trust.audiences],
      requiredClaims: ["exp", "iat", "sub"],
      clockTolerance: trust.clockSkewMs / 1000,
      maxTokenAge: trust.maxAgeMs / 1000,
      currentDate: new Date(nowMs),
    });
    return undefined;
  } catch (error) {
    if (error instanceof NoKeysError)
      return failed("keys", "must be asked again later: its issuer's keys can't be had");
    if (error instanceof UnknownKeyError) return failed("key", "must be signed with a key of its issuer");
    if (error instanceof errors.JWSSignatureVerificationFailed)
      return failed("signature", "must have a good signature");
    // Also of an error that nobody expects no word is repeated: it may quote the token
    return failed("key", "must be signed with one key of its issuer, fit for its algorithm");
  }
}

function callerOf({ trust, rule, claims, subject, foreignSubject, expiresAtMs }: Examined): ForeignCaller {
  const carried = Object.entries(rule.carry).map(([name, path]) => [name, claimAt(claims, path)] as const);
  return {
    kind: "foreign",
    ...{ issuer: trust.issuer, foreignSubject, trust: trust.name, rule: rule.name, expiresAtMs, subject },
    allowed: rule.allowed,
    claims: Object.fromEntries(carried.filter(([, value]) => value !== undefined)),
  };
}
