import type { EndTime } from "../store/grant-store.ts";
import { signingSlackMs } from "../store/end-grants.ts";
import type { IssuerParts } from "./issuer-parts.ts";

/** When the last access token ends that may be out now, and so how long gateways must be told of a revocation. */
export const endTime = ({ longestTtlMs }: Pick<IssuerParts, "longestTtlMs">, nowMs: number): EndTime => ({
  nowMs,
  tokensEndAtMs: nowMs + longestTtlMs() + signingSlackMs,
});
