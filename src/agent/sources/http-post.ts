import { Exchange, type ExchangeErrors, type Outgoing } from "../../http/exchange.ts";
import { longestAnswer, type Post, PostError } from "../../identity/oauth/post.ts";
import type { Clock } from "../../time/clock.ts";

/** Over which connections. */
type Route = Pick<Outgoing, "agent" | "socketPath">;

/**
 * Posts over HTTP.
 *
 * @param routeNow - That of this moment. @throws PostError while there is none
 */
export const httpPost =
  (routeNow: () => Promise<Route>, clock: Clock): Post =>
  async ({ headers, body, ...request }) => {
    const all = { ...headers, "accept-encoding": "identity", "content-length": Buffer.byteLength(body) };
    const route = await routeNow();
    const exchange = new Exchange({ ...request, method: "POST", ...route, headers: all, body, errors, clock });
    const head = await exchange.head();
    const text = await textWithin(exchange.chunks(head), longestAnswer);
    const { "retry-after": retryAfter, date } = head.headers;
    return {
      status: head.statusCode ?? 0,
      body: text,
      ...(retryAfter !== undefined && { retryAfter }),
      ...(date !== undefined && { date }),
    };
  };

const errors: ExchangeErrors = {
  timedOut: (timeoutMs, sent) => new PostError("Timeout", `nothing whole came within ${timeoutMs / 1000} s`, sent),
  broken: (problem, sent) => new PostError("Unreachable", problem, sent),
  stopped: () => new PostError("Unreachable", "it is not asked any more", true),
};

async function textWithin(chunks: AsyncIterable<Buffer>, limit: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    bytes += chunk.length;
    // Whoever leaves the loop closes the connection
    if (bytes > limit) break;
  }
  return Buffer.concat(parts).toString("utf8");
}
