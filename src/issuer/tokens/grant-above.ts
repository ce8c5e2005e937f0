import type { Grant } from "../../grants/grant.ts";
import type { GrantRow, GrantTerms } from "../store/grant-row.ts";
import type { IssuerParts } from "./issuer-parts.ts";

/** Can it be renewed still? */
export const isAlive = ({ revoked, expiresAtMs }: Grant, nowMs: number): boolean =>
  revoked === undefined && nowMs < expiresAtMs;

/** The grant that this one is below; `ended`: it can't be renewed, and so this one can't. Undefined where there is none above. */
export async function grantAbove(
  { store, nowMs }: Pick<IssuerParts, "store" | "nowMs">,
  { parentId }: Pick<GrantTerms, "parentId">,
): Promise<GrantRow | "ended" | undefined> {
  if (parentId === undefined) return undefined;
  const above = await store.find(parentId);
  return above && isAlive(above.grant, nowMs()) ? above : "ended";
}

/** A cap on refresh tokens, cut by what is left of the grant above: that moves its own end with each renewal. In milliseconds. */
export const capBelow = (maxMs: number, above: GrantRow | undefined, nowMs: number): number =>
  Math.min(maxMs, above === undefined ? Infinity : above.grant.expiresAtMs - nowMs);
