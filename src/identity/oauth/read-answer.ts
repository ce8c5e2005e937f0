import { quoted } from "../../errors/quote.ts";
import { jsonIn } from "../../parse/json.ts";
import { type Members, membersOf } from "../../parse/object.ts";
import { type IssuedPair, saysEnd } from "../machine/held-pair.ts";
import type { ExchangeFailure } from "../machine/identity-state.ts";
import type { Issued } from "../pair-issuer.ts";
import type { PostAnswer } from "./post.ts";

/** What came back over HTTP, and when. Secret. */
export interface EndpointAnswer extends PostAnswer {
  readonly nowMs: number;
}

/** More would be a mistake: ten years, in seconds. */
const longestLifeSeconds = 315_360_000;

/** `invalid_grant` for another reason than the token itself: it is as good as it was (docs/design.md, section 12). */
const reasonsOfOthers = ["caller-gone", "client"];

/**
 * What an answer of a token endpoint means (RFC 6749 §5). Final are `invalid_grant`, 401 and 403, if it is the issuer who says so: a page of
 * HTML is of a proxy. All else is to be tried again, and the tokens are as good as they were.
 *
 * @param place - Whom was asked; in messages
 */
export function readAnswer(answer: EndpointAnswer, place: string): Issued | ExchangeFailure {
  const { status, body } = answer;
  const members = membersOf(jsonIn(body));
  if (status === 200) return issuedIn(members, answer, place);
  const error = wordIn(members["error"]);
  const code = wordIn(members["code"]) ?? error;
  const message = `Cannot get a token: ${place} answers ${status}${error === undefined ? "" : ` ${quoted(error)}`}${code === error ? "" : ` (${code ?? ""})`}`;
  if (error === "invalid_grant") {
    return { kind: "denied", code: code ?? error, message, isTokenDead: !reasonsOfOthers.includes(code ?? "") };
  }
  const isPage = body.trimStart().startsWith("<");
  if ((status === 401 || status === 403) && !isPage) {
    return { kind: "denied", code: code ?? `Status${status}`, message, isTokenDead: false };
  }
  const retryAfterMs = retryAfterIn(answer);
  const isUndone = status < 500 || error === "temporarily_unavailable";
  return away(code ?? `Status${status}`, message, {
    mayBeDone: !isUndone,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

type Away = Extract<ExchangeFailure, { kind: "away" }>;

export const away = (code: string, message: string, more: Pick<Away, "mayBeDone" | "retryAfterMs">): Away => ({
  kind: "away",
  code,
  message,
  ...more,
});

function issuedIn(members: Members, answer: EndpointAnswer, place: string): Issued | ExchangeFailure {
  const lost = (code: string, what: string): Away =>
    away(code, `Cannot get a token: ${place} must answer with ${what}`, { mayBeDone: true });
  const accessToken = tokenIn(members["access_token"]);
  if (accessToken === undefined) return lost("AnswerUnreadable", "a token");
  const { token_type: type = "Bearer", expires_in: life } = members;
  if (typeof type !== "string" || type.toLowerCase() !== "bearer") {
    return lost("TokenTypeUnknown", `a token of the type Bearer, not ${wordIn(type) ?? "another one"}`);
  }
  const refreshToken = tokenIn(members["refresh_token"]);
  const expiresInSeconds = secondsIn(life);
  const isEndUnknown = life !== undefined && life !== null && expiresInSeconds === undefined && !saysEnd(accessToken);
  if (isEndUnknown) return lost("AnswerUnreadable", "a number of seconds, 0 or more, as expires_in");
  const refreshExpiresInSeconds = secondsIn(members["refresh_token_expires_in"] ?? members["refresh_expires_in"]);
  const issued: IssuedPair = {
    accessToken,
    ...(expiresInSeconds !== undefined && { expiresInSeconds }),
    ...(refreshToken !== undefined && { refreshToken }),
    ...(refreshExpiresInSeconds !== undefined && { refreshExpiresInSeconds }),
    ...serverTimeIn(answer),
  };
  return { kind: "issued", issued };
}

/** By the answer's `Date`; a year away it is no clock that is a little off. */
export function serverTimeIn({ date, nowMs }: Pick<EndpointAnswer, "date" | "nowMs">): Pick<IssuedPair, "serverNowMs"> {
  const serverNowMs = httpDate(date);
  return Math.abs(serverNowMs - nowMs) < longestLifeSeconds * 100 ? { serverNowMs } : {};
}

/** What can stand in an Authorization header (RFC 6750 §2.1, and what others put there). */
export const tokenIn = (value: unknown): string | undefined =>
  typeof value === "string" && /^[\x21-\x7e]{1,65536}$/.test(value) ? value : undefined;

/** Some issuers write it as a text. */
function secondsIn(value: unknown): number | undefined {
  const seconds = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof seconds !== "number" || !Number.isFinite(seconds) || seconds < 0) return undefined;
  return Math.min(seconds, longestLifeSeconds);
}

/** A code is a word: nothing else of an answer gets into a log. */
export const wordIn = (value: unknown): string | undefined =>
  typeof value === "string" && /^[\w-]{1,32}$/.test(value) ? value : undefined;

/** In milliseconds (RFC 9110 §10.2.3): seconds, or an instant of the server's clock. */
export function retryAfterIn({ retryAfter, date, nowMs }: EndpointAnswer): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const atMs = httpDate(retryAfter);
  const serverNowMs = httpDate(date);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - (Number.isNaN(serverNowMs) ? nowMs : serverNowMs));
}

/** Unix milliseconds (RFC 9110 §5.6.7); NaN for any other text: Date.parse takes "-1" for a year. */
const httpDate = (text = ""): number => (/^[A-Z][a-z]{2,8}, /.test(text) ? Date.parse(text) : NaN);
