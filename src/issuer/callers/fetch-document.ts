import { Agent as HttpAgent, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { Exchange } from "../../kube/exchange.ts";
import { ConnectionError } from "../../kube/kube-errors.ts";
import type { Clock } from "../../time/clock.ts";
import { jsonIn } from "../../parse/json.ts";
import { isObject, type Members } from "../../parse/object.ts";

/** A source of keys has given none: why, for the log. Never with what it answered. */
export class SourceError extends Error {}

export interface FetchOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For the whole answer, in milliseconds. */
  readonly timeoutMs: number;
  /** PEM. @default whom Node.js trusts */
  readonly ca?: string;
  readonly bearer?: string;
}

/** More than any set of keys, or what describes an issuer, in bytes. */
export const longestDocument = 262_144;

/**
 * The JSON object that stands at the address. No redirect is followed: keys come from where the file says, or from nowhere.
 *
 * @throws SourceError
 */
export async function fetchDocument(url: URL, options: FetchOptions): Promise<Readonly<Record<string, unknown>>> {
  const { ca, bearer, ...rest } = options;
  const isSecure = url.protocol === "https:";
  const agent = isSecure ? new HttpsAgent({ minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) }) : new HttpAgent();
  const headers = {
    accept: "application/jwk-set+json, application/json",
    "accept-encoding": "identity",
    ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
  };
  const exchange = new Exchange({ url, method: "GET", headers, agent, what: "fetch", ...rest });
  try {
    const head = await exchange.head();
    if (head.statusCode !== 200) throw refused(head, exchange, url);
    return bodyObject(await bodyText(head, exchange, url), url);
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw new SourceError(`${placeOf(url)} must answer: ${problemOf(error, options.timeoutMs)}`);
  } finally {
    agent.destroy();
  }
}

/** Without its query, which may hold a key. */
const placeOf = ({ origin, pathname }: URL): string => JSON.stringify(`${origin}${pathname}`);

function refused({ statusCode = 0 }: IncomingMessage, exchange: Exchange, url: URL): SourceError {
  exchange.end();
  const why = statusCode >= 300 && statusCode < 400 ? "redirects, which is not followed" : `answers ${statusCode}`;
  return new SourceError(`${placeOf(url)} must answer 200, ${why}`);
}

async function bodyText(head: IncomingMessage, exchange: Exchange, url: URL): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of exchange.chunks(head)) {
    bytes += chunk.length;
    if (bytes > longestDocument) throw new SourceError(`${placeOf(url)} must answer at most ${longestDocument} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function bodyObject(text: string, url: URL): Members {
  const value = jsonIn(text);
  if (isObject(value)) return value;
  throw new SourceError(`${placeOf(url)} must answer a JSON object`);
}

/** In our words: a foreign message may quote what was answered. */
function problemOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof ConnectionError)) return "stopped";
  return error.code === "TimedOut" ? `nothing whole came within ${timeoutMs / 1000} s` : causeOf(error.message);
}

/** `no connection (connect ECONNREFUSED …)`, of {@link Exchange}. */
const causeOf = (message: string): string => message.replace(/^Cannot fetch: /, "");
