import { type EndCode, endCodes } from "../../sessions/core/session-end.ts";
import type { ConnectionEnd } from "./client-state.ts";

/** Its reason is the token that was shown: another one may be good. */
const ofToken: readonly string[] = ["Expired", "TokenRefused", "Revoked"] satisfies EndCode[];

/** After these no instance comes back, whatever else was said. `Revoked` may be either. */
const forGood: readonly string[] = ["BadMessage", "Forbidden", "Removed"] satisfies EndCode[];

export const isOfToken = ({ code }: ConnectionEnd): boolean => ofToken.includes(code);

export const isEndCode = (text: string): text is EndCode => endCodes.some((code) => code === text);

/** An end of the client's own. */
export const ownEnd = (code: string, reason: string): ConnectionEnd => ({
  ...{ code, reason, isRetryable: true, afterMs: 0 },
});

/** What is known of an end of which the code alone was told. */
export const endOfCode = (code: EndCode, reason: string): ConnectionEnd => ({
  ...{ code, reason, isRetryable: !forGood.includes(code), afterMs: 0 },
});

/** The connection broke, without a word. */
export const lostEnd = ownEnd("Lost", "The connection was lost");
export const silentEnd = ownEnd("Silent", "Nothing was heard for two and a half heartbeats");
export const lateEnd = ownEnd("NotAccepted", "The gateway did not accept the session in time");
export const noTokenEnd = ownEnd("NoToken", "The keeper gave no token in time");
export const noOtherEnd = ownEnd("NoToken", "The keeper has no other token than the one before");
export const leftEnd: ConnectionEnd = {
  ...ownEnd("Left", "The application has closed it"),
  isRetryable: false,
};
