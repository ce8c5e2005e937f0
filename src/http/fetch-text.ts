import { Agent as HttpAgent, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Clock } from "../time/clock.ts";
import { Exchange, type ExchangeErrors } from "./exchange.ts";

/** What stands at an address could not be had: why, for people. Never with what was answered. */
export class FetchError extends Error {}

export interface TextFetch {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For the whole answer, in milliseconds. */
  readonly timeoutMs: number;
  /** More is refused, in bytes. */
  readonly limit: number;
  /** Media types, as `Accept` has them. */
  readonly accept: string;
  /** PEM. @default whom Node.js trusts */
  readonly ca?: string;
  readonly bearer?: string;
}

export interface FetchedText {
  readonly text: string;
  /** How long a copy is good from now on, by `Cache-Control` and `Age`, in milliseconds: 0 for `no-store`. Absent where nobody says. */
  readonly freshForMs?: number;
}

/**
 * The text that stands at the address, on a connection of its own. No redirect is followed: it comes from where the file says, or
 * from nowhere.
 *
 * @throws FetchError
 */
export async function fetchText(url: URL, options: TextFetch): Promise<FetchedText> {
  const { ca, bearer, accept, limit, ...rest } = options;
  const isSecure = url.protocol === "https:";
  const agent = isSecure ? new HttpsAgent({ minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) }) : new HttpAgent();
  const headers: OutgoingHttpHeaders = {
    accept,
    "accept-encoding": "identity",
    ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
  };
  const exchange = new Exchange({ url, method: "GET", headers, agent, errors: errorsOf(url), ...rest });
  try {
    const head = await exchange.head();
    if (head.statusCode !== 200) throw refused(head, exchange, url);
    const text = await bodyText(exchange.chunks(head), limit, url);
    const freshForMs = freshness(head);
    return { text, ...(freshForMs !== undefined && { freshForMs }) };
  } finally {
    agent.destroy();
  }
}

/** Without its query, which may hold a key. */
export const placeOf = ({ origin, pathname }: URL): string => JSON.stringify(`${origin}${pathname}`);

/** In our words: a foreign message may quote what was answered. */
const errorsOf = (url: URL): ExchangeErrors => {
  const error = (problem: string): FetchError => new FetchError(`${placeOf(url)} must answer: ${problem}`);
  return {
    timedOut: (timeoutMs) => error(`nothing whole came within ${timeoutMs / 1000} s`),
    broken: error,
    stopped: () => error("stopped"),
  };
};

function refused({ statusCode = 0 }: IncomingMessage, exchange: Exchange, url: URL): FetchError {
  exchange.end();
  const why = statusCode >= 300 && statusCode < 400 ? "redirects, which is not followed" : `answers ${statusCode}`;
  return new FetchError(`${placeOf(url)} must answer 200, ${why}`);
}

async function bodyText(parts: AsyncIterable<Buffer>, limit: number, url: URL): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of parts) {
    bytes += chunk.length;
    if (bytes > limit) throw new FetchError(`${placeOf(url)} must answer at most ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** RFC 9111 §4.2. What must be asked for each time is good for no time. */
function freshness({ headers }: IncomingMessage): number | undefined {
  const cache = (headers["cache-control"] ?? "").toLowerCase();
  if (/(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])/.test(cache)) return 0;
  const maxAge = /(?:^|[\s,])max-age="?(\d{1,10})"?(?:$|[\s,])/.exec(cache)?.[1];
  if (maxAge === undefined) return undefined;
  const age = /^\d{1,10}$/.exec(headers.age ?? "")?.[0] ?? "0";
  return Math.max(0, Number(maxAge) - Number(age)) * 1000;
}
