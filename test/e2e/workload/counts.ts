import type { SessionCounts } from "./session-counts.ts";

/** What an application hands to the client. */
export interface Delivery {
  readonly pod: string;
  readonly kid: string;
  readonly token: string;
  readonly endsAtMs: number;
}

/** How the grant of a pod fares that renews its tokens. */
export interface GrantReport {
  readonly pod: string;
  /** Its id: the claim `sid` of the newest token. */
  readonly grant: string;
  /** Which key signed that. */
  readonly kid: string;
  readonly renewals: number;
  /** Requests that were tried again, since nobody answered, or not now. */
  readonly triedAgain: number;
  /** Every refusal: there should be none. */
  readonly refused: readonly string[];
}

/** How an application fares that calls the gateways. */
export interface CallReport {
  /** By which it has its token: proxy, file, client. */
  readonly way: string;
  /** That were taken. */
  readonly calls: number;
  /** Without a verdict on their token. */
  readonly unanswered: number;
  /** Keys that signed tokens which were shown, as far as the application knows. */
  readonly kids: readonly string[];
  /** Every refusal: there should be none. */
  readonly refused: readonly string[];
}

/** A verdict that should not have been. */
export interface Wrong {
  readonly what: "valid refused" | "revoked accepted" | "no verdict" | "refused by jose" | "foreign accepted";
  readonly pod: string;
  readonly kid: string;
  readonly atMs: number;
  readonly why: string;
}

/** What the client has seen so far. */
export interface Counts {
  /** Tokens that came in, in all and by who minted them. */
  readonly tokens: number;
  readonly tokensByPod: Readonly<Record<string, number>>;
  readonly tokensByKid: Readonly<Record<string, number>>;
  /** Answers of gateways about tokens that were valid, and of whom. */
  readonly verifications: number;
  readonly verificationsByPod: Readonly<Record<string, number>>;
  /** The same by jose against the JWKS. */
  readonly joseVerifications: number;
  /** Tokens of a revoked key that were still held when its revocation had been acknowledged. */
  readonly revokedTokens: number;
  /** Of these, tokens that every replica was asked about, and refused. */
  readonly revokedRefusedEverywhere: number;
  readonly revokedRefusals: number;
  /** Refusals of a token that a key outside of the ring signed: the check that a refusal would be seen. */
  readonly foreignRefusals: number;
  /** Valid tokens that nobody answered about, because the connection broke; by pod. */
  readonly unreachable: Readonly<Record<string, number>>;
  /** Of each pod that renews, the newest report. */
  readonly grants: readonly GrantReport[];
  /** Of each application that calls, the newest report. */
  readonly callers: readonly CallReport[];
  readonly sessions: SessionCounts;
  /** Pods that the Service has as ready. */
  readonly replicas: readonly string[];
  /** Tokens that are being verified now. */
  readonly held: number;
  /** The first of them. */
  readonly wrong: readonly Wrong[];
  readonly wrongs: number;
  /** Of all of them, valid tokens that were refused. */
  readonly refused: number;
}

/** What the client is told of a key: it is about to be revoked; every gateway has acknowledged that it is. */
export interface Revocation {
  readonly kid: string;
  readonly state: "revoking" | "revoked";
}
