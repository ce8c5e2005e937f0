import { type Clock, systemClock } from "../../time/clock.ts";
import type { ExchangeFailure } from "../machine/identity-state.ts";
import type { Issued } from "../pair-issuer.ts";
import { away, type EndpointAnswer, readAnswer } from "./read-answer.ts";
import { type Post, type Posted, PostError } from "./post.ts";

export interface PostOptions {
  readonly post: Post;
  /** For the whole answer, in milliseconds. A third of the retry window: who gets no answer can ask again in it. @default 10000 */
  readonly timeoutMs?: number;
  /** @default the machine's */
  readonly clock?: Pick<Clock, "nowMs">;
}

export interface TokenForm {
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly authorization?: string;
}

/** Posts a form to the token endpoint. Never rejects. */
export function postForm(
  { fields, authorization }: TokenForm,
  { tokenUrl: url, ...options }: PostOptions & { readonly tokenUrl: URL },
  signal: AbortSignal,
): Promise<Issued | ExchangeFailure> {
  const headers = {
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
    ...(authorization !== undefined && { authorization }),
  };
  const body = new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString();
  const place = JSON.stringify(`${url.origin}${url.pathname}`);
  return asked({ url, headers, body, signal }, { ...options, place }, (answer) => readAnswer(answer, place));
}

/**
 * What somebody who gives out tokens answers, as `read` has it, or why nothing came. Never rejects.
 *
 * @param place - Whom was asked; in messages
 */
export async function asked(
  request: Omit<Posted, "timeoutMs">,
  { post, timeoutMs = 10_000, clock = systemClock, place }: PostOptions & { readonly place: string },
  read: (answer: EndpointAnswer) => Issued | ExchangeFailure,
): Promise<Issued | ExchangeFailure> {
  try {
    return read({ ...(await post({ ...request, timeoutMs })), nowMs: clock.nowMs() });
  } catch (error) {
    const { code, message, wasSent } = error instanceof PostError ? error : defect;
    return away(code, `Cannot get a token: ${place} must answer: ${message}`, { mayBeDone: wasSent });
  }
}

const defect = new PostError("Unreachable", "this is a defect of Keyturn", true);
