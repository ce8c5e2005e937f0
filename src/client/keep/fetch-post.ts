import { longestAnswer, type Post, PostError } from "../../identity/oauth/post.ts";
import type { Clock } from "../../time/clock.ts";

/** Posts with `fetch`. @param using - Or what stands in for it */
export const fetchPost =
  (using: typeof fetch, clock: Pick<Clock, "after">): Post =>
  async ({ url, headers, body, timeoutMs, signal }) => {
    const late = new AbortController();
    const cancel = clock.after(timeoutMs, () => late.abort());
    try {
      const response = await using(url, {
        method: "POST",
        redirect: "manual",
        headers,
        body,
        signal: AbortSignal.any([signal, late.signal]),
      });
      const text = await textOf(response);
      const [retryAfter, date] = [response.headers.get("retry-after"), response.headers.get("date")];
      return {
        status: response.status,
        body: text,
        ...(retryAfter !== null && { retryAfter }),
        ...(date !== null && { date }),
      };
    } catch (error) {
      const wasSent = !notSent.includes(codeOf(error) ?? "");
      if (late.signal.aborted && !signal.aborted)
        throw new PostError("Timeout", `nothing whole came within ${timeoutMs / 1000} s`, wasSent);
      throw new PostError("Unreachable", codeOf(error) ?? "the connection failed", wasSent);
    } finally {
      cancel();
    }
  };

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
  ...["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  ...["CERT_HAS_EXPIRED", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "ERR_TLS_CERT_ALTNAME_INVALID"],
];

/** fetch says what went wrong in the cause; of several addresses that were tried, in the errors of that. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  return codeOf(error.cause);
}
