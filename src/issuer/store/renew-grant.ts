import { TryLaterError } from "../../errors/keyturn-error.ts";
import type { RefreshToken } from "../../grants/refresh-token.ts";
import { isTokenOf, type RenewalRefusal, type Renewal, renew, type RenewalRequest } from "../../grants/renew.ts";
import type { GrantRow } from "./grant-row.ts";
import type { EndedGrant, EndTime, GrantStore } from "./grant-store.ts";

/** What only the row can tell of a renewal. */
export interface RowJudgement extends Pick<RenewalRequest, "isProven"> {
  /** The cap that is in force for this grant's owner, in milliseconds. */
  readonly maxRefreshTtlMs: number;
}

/** A refresh token that is shown to the issuer. */
export interface GrantRenewalRequest<No> extends Omit<RenewalRequest, "isProven" | "nowMs" | "policy">, EndTime {
  readonly policy: Omit<RenewalRequest["policy"], "maxRefreshTtlMs">;
  /** Looks at the row before anything is written; `No`, and nothing is: what the caller must not ask of it, such as a wider scope. */
  readonly judge: (row: GrantRow) => RowJudgement | No | Promise<RowJudgement | No>;
}

/** What became of it; `row` as it now stands in the store. */
export type GrantRenewal =
  | {
      readonly kind: "granted";
      /** `replayed`: nothing was written, the successor was given before. */
      readonly why: "current" | "replaced" | "recovered" | "replayed";
      readonly row: GrantRow;
      readonly successor: RefreshToken;
    }
  /** A token was reused: this grant and its children have just ended. */
  | { readonly kind: "ended"; readonly row: GrantRow; readonly ended: readonly EndedGrant[] }
  | { readonly kind: "refused"; readonly reason: RenewalRefusal; readonly row?: GrantRow };

/** Each lost race means that somebody else renewed; he can't go on for ever within one retry window. */
const mostRaces = 16;

/**
 * Renews a grant: reads its row, lets `renew` decide, and writes what it decided if the row is still the same, else begins anew. Sign the
 * access token afterwards: then a signature that fails is no more than a lost answer.
 *
 * @throws TryLaterError `StoreAway`; the token is as good as before.
 */
export async function renewGrant<No extends { readonly kind: string }>(
  store: GrantStore,
  request: GrantRenewalRequest<No>,
): Promise<GrantRenewal | No> {
  for (let race = 0; race < mostRaces; race++) {
    const row = await store.find(request.shown.grantId);
    if (row === undefined) return { kind: "refused", reason: "unknown" };
    const judged = await request.judge(row);
    // What a grant allows is nobody's business who made his token up
    if ("kind" in judged) return isTokenOf(row.grant, request.shown) ? judged : { kind: "refused", reason: "unknown" };
    const { isProven, maxRefreshTtlMs } = judged;
    const renewal = renew(row.grant, { ...request, isProven, policy: { ...request.policy, maxRefreshTtlMs } });
    const done = await enactRenewal(store, { row, renewal, at: request });
    if (done !== undefined) return done;
  }
  throw new TryLaterError("StoreAway", "Cannot renew the grant: it must not change all the time");
}

interface Decided {
  readonly row: GrantRow;
  readonly renewal: Renewal;
  readonly at: EndTime;
}

/** Undefined: somebody else's write came first. */
async function enactRenewal(store: GrantStore, { row, renewal, at }: Decided): Promise<GrantRenewal | undefined> {
  const { id, generation } = row.grant;
  switch (renewal.kind) {
    case "renewed": {
      const { why, grant, successor } = renewal;
      const isWritten = await store.renew(grant, generation);
      return isWritten ? { kind: "granted", why, row: { ...row, grant }, successor } : undefined;
    }
    case "ended": {
      const ended = await store.endReused(id, generation, at);
      return ended && { kind: "ended", row: { ...row, grant: renewal.grant }, ended };
    }
    case "replayed":
      return { kind: "granted", why: "replayed", row, successor: renewal.successor };
    case "refused":
      return { kind: "refused", reason: renewal.reason, row };
  }
}
