import { claimAt, fillIn, isPlainText, longestSubject } from "../config/claims.ts";
import { fitsAny } from "../config/glob.ts";
import { isChildSubject, mustBeNoChild } from "../config/names.ts";
import type { ClaimMatch, Trust, TrustRule } from "../config/token-issuer.ts";
import { type Failed, failed, type ForeignToken, readForeign } from "./read-foreign.ts";
import { type Members } from "../../parse/object.ts";

/** A token that would be good if its signature were. */
export interface Examined {
  readonly trust: Trust;
  readonly rule: TrustRule;
  readonly claims: Members;
  /** Its own `sub`. */
  readonly foreignSubject: string;
  /** `sub` of our tokens. */
  readonly subject: string;
  /** Its `exp`, in Unix milliseconds. */
  readonly expiresAtMs: number;
}

/**
 * Every check that needs neither keys nor an API server, before those that do: junk costs no request of ours. A signature is still to
 * be verified. Pure.
 */
export function examine(token: string, trusts: readonly Trust[], nowMs: number): Examined | Failed {
  const read = readForeign(token);
  if ("failed" in read) return read;
  const { claims } = read;
  const trust = trustOf(claims, trusts);
  if ("failed" in trust) return trust;
  const instants = examineClaims(read, trust, nowMs);
  if ("failed" in instants) return instants;
  const rule = trust.rules.find((one) => misfitClaim(one, claims) === undefined);
  if (rule === undefined) return failed("rule", "must fit a rule of its issuer");
  const subject = fillIn(rule.subject, claims);
  if (typeof subject !== "string") return failed("template", "must have claims that make a subject");
  if (isChildSubject(subject)) return failed("template", `the subject ${mustBeNoChild}`);
  return { trust, rule, claims, subject, ...instants };
}

export function trustOf({ iss }: Members, trusts: readonly Trust[]): Trust | Failed {
  return trusts.find(({ issuer }) => issuer === iss) ?? failed("issuer", "must be of an issuer that is trusted");
}

/** What of a token's claims is the same for all rules of its issuer. */
function examineClaims(
  { algorithm, claims }: ForeignToken,
  trust: Trust,
  nowMs: number,
): Pick<Examined, "foreignSubject" | "expiresAtMs"> | Failed {
  if (!trust.algorithms.includes(algorithm)) return failed("header", "must be signed by an algorithm that is allowed");
  const { aud, sub } = claims;
  if (!namesOneOf(aud, trust.audiences)) return failed("audience", "must be for an audience that is expected");
  if (typeof sub !== "string" || !isPlainText(sub) || sub.length > longestSubject) {
    return failed("subject", `must have a subject of 1 to ${longestSubject} characters`);
  }
  return examineTime({ claims, sub }, trust, nowMs);
}

/** RFC 7519 §4.1.3: a text, or a list of texts and nothing else. */
function namesOneOf(aud: unknown, audiences: readonly string[]): boolean {
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return named.every((one) => typeof one === "string") && named.some((one) => audiences.includes(one));
}

function examineTime(
  { claims, sub }: { readonly claims: Members; readonly sub: string },
  { clockSkewMs, maxAgeMs }: Trust,
  nowMs: number,
): ReturnType<typeof examineClaims> {
  const { exp, nbf, iat } = claims;
  if (!isInstant(exp)) return failed("expiry", "must have an exp");
  // Turned around so that a clock that tells no number lets nothing pass
  if (!(nowMs < exp * 1000 + clockSkewMs)) return failed("expiry", "must not have expired");
  if (nbf !== undefined && !(isInstant(nbf) && nbf * 1000 <= nowMs + clockSkewMs)) {
    return failed("not-before", "must be valid already");
  }
  if (!isInstant(iat)) return failed("age", "must have an iat");
  if (iat * 1000 > nowMs + clockSkewMs) return failed("not-before", "must have been issued already");
  if (nowMs - iat * 1000 > maxAgeMs + clockSkewMs) return failed("age", "must not have been issued so long ago");
  return { foreignSubject: sub, expiresAtMs: exp * 1000 };
}

/** JSON has no NaN, but 1e999 is infinite. */
const isInstant = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

/** The first claim that does not fit the rule; undefined when all do. */
export const misfitClaim = ({ match }: TrustRule, claims: Members): ClaimMatch | undefined =>
  match.find(({ claim, globs }) => !claimTexts(claimAt(claims, claim)).some((text) => fitsAny(globs, text)));

/** A text, a number or a truth value; or of a list each of them, of which one has to fit. Nothing else fits anything. */
function claimTexts(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one) => ["string", "number", "boolean"].includes(typeof one)).map(String);
}
