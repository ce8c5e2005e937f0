import { Buffer } from "node:buffer";
import { defaultRefreshTtlMs, longestRefreshTtlMs, secondsIn } from "../../grants/lifetime.ts";
import type { Profile } from "../../ring/key.ts";
import { isPlainText, longestSubject } from "../config/claims.ts";
import { fitsAny, type Glob } from "../config/glob.ts";
import { isChildSubject, mustBeNoChild } from "../config/names.ts";
import { isReserved, isSetByEndpoint } from "../config/reserved.ts";
import type { Allowed, Rights } from "../config/token-issuer.ts";
import { isPathWithin } from "./path-within.ts";
import { type TokenRequest, type Caller, type Granted, type RefusedCaller, refusedCaller, type Ttl } from "./caller.ts";

/** What holds whoever asks. */
export interface Bounds {
  /** The profile of the key that signs. */
  readonly signer: Pick<Profile, "audiences" | "maxTTLMs">;
  readonly nowMs: number;
}

/**
 * What a caller gets of what he asks for. An audience or a scope is his or refused, never dropped; a life is cut to what is allowed,
 * and what is no life (0, "x") gets the default. Pure.
 */
export function narrow(caller: Caller, asked: TokenRequest, bounds: Bounds): Granted | RefusedCaller {
  const { allowed } = caller;
  if (!allowed.grantTypes.includes(asked.grantType)) {
    return refusedCaller("unauthorized_client", "grant-type", "must use a grant type that is allowed for it");
  }
  const subject = asked.subject ?? caller.subject;
  if (subject !== caller.subject && !(isSubject(subject) && fitsAny(allowed.subjects, subject))) {
    return refusedCaller("invalid_request", "asked-subject", "must ask for a subject that is allowed for it");
  }
  if (isChildSubject(subject)) return refusedCaller("invalid_request", "asked-subject", `the subject ${mustBeNoChild}`);
  return within({ ...caller, subject }, asked, bounds);
}

/** A grant whose owner asks for another one below it: an agent's, a path's. */
export interface Parent {
  readonly audiences: readonly string[];
  readonly scopes: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
  readonly accessTtlMs: number;
  /** Absent: it has an access token alone, and so have those below it. */
  readonly refreshTtlMs?: number;
  readonly notAfterMs?: number;
  /** Claims that the endpoint sets, whatever may be asked for: within what the parent's claims of the same name say. */
  readonly own: Readonly<Record<string, unknown>>;
  /** Names of claims that its own caller may ask for, in each of these lists: see `standingOf`. */
  readonly mayAskFor: readonly (readonly Glob[])[];
}

/** As {@link narrow}, for a grant below another one: nothing of it goes beyond its parent. Whom it is for is not looked at. */
export function narrowBelow(
  parent: Parent,
  asked: Omit<TokenRequest, "grantType"> & { readonly subject: string },
  bounds: Bounds,
): Granted | RefusedCaller {
  const { audiences, scopes, claims, own, accessTtlMs, refreshTtlMs, notAfterMs, mayAskFor } = parent;
  const allowed: Gettable = {
    grantTypes: refreshTtlMs === undefined ? [] : ["refresh_token"],
    audiences,
    scopes,
    subjects: [],
    claims: mayAskFor.flat(),
    accessTtl: { maxMs: accessTtlMs },
    refreshTtl: { defaultMs: defaultRefreshTtlMs, maxMs: refreshTtlMs ?? longestRefreshTtlMs },
    ...(notAfterMs !== undefined && { notAfterMs }),
  };
  if (!isSubject(asked.subject)) {
    return refusedCaller(
      "invalid_request",
      "asked-subject",
      `must ask for a subject of 1 to ${longestSubject} characters`,
    );
  }
  if (!Object.entries(own).every(([name, value]) => !Object.hasOwn(claims, name) || isWithin(value, claims[name]))) {
    return refusedCaller(
      "invalid_request",
      "asked-claims",
      "must ask for no other agent, workspace or paths than its parent's",
    );
  }
  const names = Object.keys(asked.claims ?? {});
  if (!mayAskFor.every((globs) => names.every((name) => fitsAny(globs, name)))) return claimsRefused();
  return within({ subject: asked.subject, claims: { ...claims, ...own }, allowed }, asked, bounds);
}

/** Of a list of paths such as lie below one of them each, of anything else the same. */
const isWithin = (value: unknown, whole: unknown): boolean =>
  Array.isArray(value) && Array.isArray(whole)
    ? value.every((path) => whole.some((above) => isPathWithin(path, above)))
    : value === whole;

/** What a token says, in bytes of JSON: less than the minter takes, which is asked after the grant is written. */
const longestSaid = 8192;

const isSubject = (subject: string): boolean => subject.length <= longestSubject && isPlainText(subject);

type Gettable = Omit<Allowed, keyof Rights>;

type Entitled = Pick<Caller, "subject" | "claims"> & { readonly allowed: Gettable };

function within(
  { subject, claims: own, allowed }: Entitled,
  asked: Omit<TokenRequest, "grantType">,
  bounds: Bounds,
): Granted | RefusedCaller {
  const { signer, nowMs } = bounds;
  const { notAfterMs } = allowed;
  if (notAfterMs !== undefined && nowMs >= notAfterMs) {
    return refusedCaller("unauthorized_client", "not-after", "must ask before the end that is set for it");
  }
  const audiences = asked.audiences?.length ? unique(asked.audiences) : allowed.audiences.slice(0, 1);
  if (!audiences.every((one) => allowed.audiences.includes(one) && signer.audiences.includes(one))) {
    return refusedCaller("invalid_target", "asked-audience", "must ask for audiences that are allowed for it");
  }
  const scopes = unique(asked.scopes ?? allowed.scopes);
  if (!scopes.every((one) => allowed.scopes.includes(one))) {
    return refusedCaller("invalid_scope", "asked-scope", "must ask for scopes that are allowed for it");
  }
  const claims = asked.claims ?? {};
  const isAllowed = (name: string): boolean =>
    !isReserved(name) && !isSetByEndpoint(name) && !Object.hasOwn(own, name) && fitsAny(allowed.claims, name);
  if (!Object.keys(claims).every(isAllowed)) return claimsRefused();
  const said = { subject, audiences, scopes, claims: { ...claims, ...own } };
  if (Buffer.byteLength(JSON.stringify(said)) > longestSaid) {
    return refusedCaller("invalid_request", "asked-claims", "must ask for claims that a token has room for");
  }
  return {
    kind: "granted",
    ...said,
    ...lives(allowed, asked, signer),
    ...(notAfterMs !== undefined && { notAfterMs }),
  };
}

const claimsRefused = (): RefusedCaller =>
  refusedCaller("invalid_request", "asked-claims", "must ask for claims that are allowed for it");

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

function lives(
  { accessTtl, refreshTtl, grantTypes }: Gettable,
  { expiresIn, refreshTokenTtlSeconds }: Omit<TokenRequest, "grantType">,
  { maxTTLMs }: Bounds["signer"],
): Pick<Granted, "accessTtl" | "refreshTtl"> {
  const mostAccessMs = Math.min(maxTTLMs, accessTtl.maxMs ?? maxTTLMs);
  const mostRefreshMs = Math.min(refreshTtl.maxMs, longestRefreshTtlMs);
  return {
    accessTtl: ttlOf(expiresIn, accessTtl.defaultMs ?? mostAccessMs, mostAccessMs),
    ...(grantTypes.includes("refresh_token") && {
      refreshTtl: ttlOf(refreshTokenTtlSeconds, refreshTtl.defaultMs, mostRefreshMs),
    }),
  };
}

function ttlOf(asked: unknown, defaultMs: number, mostMs: number): Ttl {
  const askedMs = secondsIn(asked) * 1000;
  if (askedMs === 0) return { ms: Math.min(defaultMs, mostMs), from: "default" };
  return askedMs > mostMs ? { ms: mostMs, from: "cap" } : { ms: askedMs, from: "asked" };
}
