import type { RenewalRefusal } from "../../grants/renew.ts";
import type { GrantTerms } from "../store/grant-row.ts";
import type { Denial } from "./denial.ts";

/** Whose grant: ids and names, never a token. */
export interface WhoseGrant extends Pick<GrantTerms, "subject" | "clientId"> {
  /** The grant's id, as the claim `sid` has it. */
  readonly sid: string;
}

/** What an issuer did: for the audit and the metrics. */
export type IssuerEvent =
  /** An access token alone, without a grant. */
  | ({ readonly kind: "issued" } & Omit<WhoseGrant, "sid">)
  | ({ readonly kind: "begun"; readonly parent?: string } & WhoseGrant)
  | ({ readonly kind: "renewed"; readonly why: RenewalWay; readonly generation: number } & WhoseGrant)
  /** `whose` is absent where nobody can tell. */
  | { readonly kind: "refused"; readonly reason: RenewalRefusal; readonly whose?: WhoseGrant }
  /** Two parties had its tokens: it has ended, and with it those below it. */
  | ({ readonly kind: "reused"; readonly ended: readonly string[] } & WhoseGrant)
  /** By the newest of its access tokens, whose time was over. */
  | ({ readonly kind: "recovered"; readonly generation: number; readonly jti: string } & WhoseGrant)
  /** An access token of ours, whose time was over, was shown for that and got nothing. */
  | { readonly kind: "notRecovered"; readonly code: Denial["code"] }
  | ({ readonly kind: "revoked" } & WhoseGrant)
  | { readonly kind: "tokenRevoked"; readonly jti: string };

/** How a renewal was answered: the first is the usual one. */
type RenewalWay = "current" | "replayed" | "replaced" | "recovered";
