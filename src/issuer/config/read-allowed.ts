import {
  choiceOf,
  durationOf,
  type Fields,
  fieldsOf,
  flagOf,
  instantOf,
  isUnset,
  itemSpotsOf,
  need,
  needSome,
  refuse,
  refuseRepeats,
  type Spot,
  textsOf,
  wholeOf,
} from "./fields.ts";
import { globsOf } from "./read-globs.ts";
import { issuerCounts, issuerDefaults, issuerDurations, issuerNumbers, issuerTexts } from "./token-issuer-limits.ts";
import type { Allowed, GrantType, TokenIssuer } from "./token-issuer.ts";

/** What the file as a whole allows. */
export type FileLimits = Pick<TokenIssuer, "maxAccessTtlMs" | "maxRefreshTtlMs">;

export const allowedFields = [
  "grantTypes",
  "audiences",
  "scopes",
  "subjects",
  "claims",
  "accessTTL",
  "maxAccessTTL",
  "refreshTTL",
  "maxRefreshTTL",
  "notAfter",
  "requestRate",
  "introspect",
  "watchRevocations",
] as const;
type AllowedFields = Fields<(typeof allowedFields)[number]>;

/** @param grants - The grant types that make sense here, all of which are the default */
export function readAllowed(spot: Spot, grants: readonly GrantType[], file: FileLimits): Allowed {
  const at = fieldsOf(need(spot), allowedFields);
  const audiences = textsOf(at("audiences"), issuerCounts.audiences, issuerTexts.audience);
  if (!isUnset(spot)) needSome(at("audiences"));
  const notAfterMs = instantOf(at("notAfter"));
  return {
    grantTypes: readGrantTypes(at("grantTypes"), grants),
    audiences,
    scopes: textsOf(at("scopes"), issuerCounts.scopes, issuerTexts.scope),
    subjects: globsOf(at("subjects")),
    claims: globsOf(at("claims")),
    accessTtl: readAccessTtl(at, file),
    refreshTtl: readRefreshTtl(at, file),
    ...(notAfterMs !== undefined && { notAfterMs }),
    requestRate: wholeOf(at("requestRate"), issuerNumbers.requestRate) ?? issuerDefaults.requestRate,
    introspect: flagOf(at("introspect")) ?? false,
    watchRevocations: flagOf(at("watchRevocations")) ?? false,
  };
}

function readGrantTypes(spot: Spot, grants: readonly GrantType[]): readonly GrantType[] {
  if (isUnset(spot)) return grants;
  const items = itemSpotsOf(spot, grants.length);
  refuseRepeats(items);
  return items.map((item) => choiceOf(need(item), grants)).filter((type) => type !== undefined);
}

function readAccessTtl(at: AllowedFields, file: FileLimits): Allowed["accessTtl"] {
  const defaultMs = durationOf(at("accessTTL"), issuerDurations.accessTtl);
  const ownMs = durationOf(at("maxAccessTTL"), issuerDurations.accessTtl);
  const { maxAccessTtlMs = Infinity } = file;
  if (ownMs !== undefined && ownMs > maxAccessTtlMs) refuse(at("maxAccessTTL"), "must be at most spec.maxAccessTTL");
  const maxMs = ownMs ?? file.maxAccessTtlMs;
  if (defaultMs !== undefined && maxMs !== undefined && defaultMs > maxMs) {
    refuse(at("accessTTL"), "must be at most maxAccessTTL");
  }
  return { ...(defaultMs !== undefined && { defaultMs }), ...(maxMs !== undefined && { maxMs }) };
}

function readRefreshTtl(at: AllowedFields, file: FileLimits): Allowed["refreshTtl"] {
  const askedMs = durationOf(at("refreshTTL"), issuerDurations.refreshTtl);
  const ownMs = durationOf(at("maxRefreshTTL"), issuerDurations.refreshTtl);
  if (ownMs !== undefined && ownMs > file.maxRefreshTtlMs) {
    refuse(at("maxRefreshTTL"), "must be at most spec.maxRefreshTTL");
  }
  const maxMs = ownMs ?? file.maxRefreshTtlMs;
  if (askedMs !== undefined && askedMs > maxMs) refuse(at("refreshTTL"), "must be at most maxRefreshTTL");
  return { defaultMs: askedMs ?? Math.min(issuerDefaults.refreshTtlMs, maxMs), maxMs };
}
