import { type Clock, systemClock } from "../../time/clock.ts";
import type { ExchangeFailure } from "../machine/identity-state.ts";
import type { Issued } from "../pair-issuer.ts";
import { away, readAnswer } from "./read-answer.ts";

export interface PostOptions {
  /** The issuer's token endpoint. */
  readonly tokenUrl: URL;
  /** @default the global one */
  readonly fetch?: typeof fetch;
  /** For the whole answer, in milliseconds. A third of the retry window: who gets no answer can ask again in it. @default 10000 */
  readonly timeoutMs?: number;
  /** @default the machine's */
  readonly clock?: Pick<Clock, "nowMs" | "after">;
}

export interface TokenForm {
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly authorization?: string;
}

const longestAnswer = 262_144;

/** Posts a form to the token endpoint. Follows no redirect: credentials go where the configuration says, or nowhere. Never rejects. */
export async function postForm(
  { fields, authorization }: TokenForm,
  options: PostOptions,
  signal: AbortSignal,
): Promise<Issued | ExchangeFailure> {
  const { tokenUrl, timeoutMs = 10_000, clock = systemClock } = options;
  const place = JSON.stringify(`${tokenUrl.origin}${tokenUrl.pathname}`);
  const late = new AbortController();
  const cancel = clock.after(timeoutMs, () => late.abort());
  try {
    const response = await (options.fetch ?? fetch)(tokenUrl, {
      method: "POST",
      redirect: "manual",
      headers: {
        accept: "application/json",
        "content-type": "application/x-www-form-urlencoded",
        ...(authorization !== undefined && { authorization }),
      },
      body: new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString(),
      signal: AbortSignal.any([signal, late.signal]),
    });
    const body = await textOf(response);
    const [retryAfter, date] = [response.headers.get("retry-after"), response.headers.get("date")];
    const headers = { ...(retryAfter !== null && { retryAfter }), ...(date !== null && { date }) };
    return readAnswer({ status: response.status, body, ...headers, nowMs: clock.nowMs() }, place);
  } catch (error) {
    const isLate = late.signal.aborted && !signal.aborted;
    const why = isLate
      ? `must answer within ${timeoutMs} ms`
      : `must answer: ${codeOf(error) ?? "the connection failed"}`;
    return away(isLate ? "Timeout" : "Unreachable", `Cannot get a token: ${place} ${why}`, {
      mayBeDone: mayHaveArrived(error),
    });
  } finally {
    cancel();
  }
}

/** What is longer is no answer of a token endpoint: it is cut, and can't be read. */
async function textOf(response: Response): Promise<string> {
  if (response.body === null) return "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return text;
    text += value;
    if (text.length <= longestAnswer) continue;
    await reader.cancel();
    return text;
  }
}

/** No connection was made, so nothing was asked. */
const notSent = [
  ...["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"],
  ...[
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "CERT_HAS_EXPIRED",
  ],
  ...["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "ERR_TLS_CERT_ALTNAME_INVALID"],
];

const mayHaveArrived = (error: unknown): boolean => !notSent.includes(codeOf(error) ?? "");

/** fetch says what went wrong in the cause; of several addresses that were tried, in the errors of that. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  return codeOf(error.cause);
}
