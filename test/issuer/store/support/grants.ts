import { randomBytes } from "node:crypto";
import { formatRefreshToken, parseRefreshToken, type RefreshToken } from "../../../../src/grants/refresh-token.ts";
import { beginGrant } from "../../../../src/grants/renew.ts";
import type { GrantRow, GrantTerms } from "../../../../src/issuer/store/grant-row.ts";
import type { EndTime, GrantStore } from "../../../../src/issuer/store/grant-store.ts";
import { type GrantRenewal, type GrantRenewalRequest, renewGrant } from "../../../../src/issuer/store/renew-grant.ts";

/** 2026-11-30T06:00:00Z */
export const t0 = Date.UTC(2026, 10, 30, 6);
export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
export const windowMs = 30_000;

const terms: GrantTerms = {
  subject: "agent-7",
  clientId: "ci",
  audiences: ["https://api.example"],
  scopes: ["read", "write"],
  claims: { team: "blue", nested: { list: [1, null, "x"] } },
  accessTtlMs: hourMs,
};

export interface Begun {
  readonly row: GrantRow;
  readonly token: RefreshToken;
}

/** A grant that is in no store yet. */
export function newGrant(over: Partial<GrantTerms> = {}, nowMs = t0): Begun {
  const seed = { id: randomBytes(16), markKey: randomBytes(32), secret: randomBytes(32) };
  const { grant, token } = beginGrant(asArrays(seed), { refreshTtlMs: dayMs, notAfterMs: t0 + 80 * dayMs }, { nowMs });
  return { row: { grant: asArrays(grant), terms: { ...terms, ...over } }, token };
}

export async function begin(store: GrantStore, over: Partial<GrantTerms> = {}, nowMs = t0): Promise<Begun> {
  const begun = newGrant(over, nowMs);
  if ((await store.begin(begun.row)) !== "begun") throw new Error("Cannot begin: the parent must live");
  return begun;
}

/** The same with plain arrays for Buffers, so that they can be compared. */
export function asArrays<T extends object>(members: T): T {
  const plain = (value: unknown): unknown => (value instanceof Uint8Array ? new Uint8Array(value) : value);
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, plain(value)])) as T;
}

export const endTime = (nowMs: number): EndTime => ({ nowMs, tokensEndAtMs: nowMs + hourMs });

type Request = GrantRenewalRequest<never>;

/** Somebody shows a refresh token. */
export const renewalOf = (shown: RefreshToken, nowMs: number): Omit<Request, "judge"> => ({
  shown,
  ...endTime(nowMs),
  salt: randomBytes(32),
  policy: { retryWindowMs: windowMs },
});

/** The same to its end, without a proof. */
export function renew(store: GrantStore, shown: RefreshToken, nowMs: number): Promise<GrantRenewal> {
  const judge: Request["judge"] = () => ({ isProven: false, maxRefreshTtlMs: 90 * dayMs });
  return renewGrant<never>(store, { ...renewalOf(shown, nowMs), judge });
}

/** As the text that a client has, and back. */
export const textOf = formatRefreshToken;
export const tokenOf = (text: string): RefreshToken => parseRefreshToken(text) ?? fail(text);

function fail(text: string): never {
  throw new Error(`Cannot read a refresh token of ${text.length} characters`);
}
