import type { EndTime } from "../store/grant-store.ts";
import type { IssuerParts } from "./issuer-parts.ts";

/** What may lie between a row's commit and the `iat` that is signed after it, and between two clocks; in milliseconds. */
const slackMs = 120_000;

/** When the last access token ends that may be out now, and so how long gateways must be told of a revocation. */
export const endTime = ({ longestTtlMs }: Pick<IssuerParts, "longestTtlMs">, nowMs: number): EndTime => ({
  nowMs,
  tokensEndAtMs: nowMs + longestTtlMs() + slackMs,
});
