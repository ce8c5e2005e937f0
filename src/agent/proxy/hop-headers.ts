import type { IncomingMessage } from "node:http";
import type { HeaderList } from "../../http/answer.ts";

/** What holds for one connection alone, and is no part of the message (RFC 9110 §7.6.1, RFC 7540 §3.2.1). */
const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Written anew by the proxy: where the request goes, whose it is, how long it is. */
const ownOfRequest: ReadonlySet<string> = new Set(["authorization", "content-length", "expect", "host"]);

/** The length says where an answer ends, so nobody's `Connection` takes it away. */
const keptOfAnswer: ReadonlySet<string> = new Set(["content-length"]);
const none: ReadonlySet<string> = new Set();

/** The headers of a request that go on to the upstream; without those that the proxy writes itself. */
export const requestHeaders = (raw: HeaderList, connection: string | undefined): string[] =>
  endToEnd(raw, connection, { dropped: ownOfRequest, kept: none });

/** The headers of an answer that go back to the application. */
export const answerHeaders = (raw: HeaderList, connection: string | undefined): string[] =>
  endToEnd(raw, connection, { dropped: none, kept: keptOfAnswer });

/** What may follow a body, either way, two by two as Node.js takes it: nothing that says whose a message is, where it goes or where it ends. */
export function trailersOf({ rawTrailers, headers }: IncomingMessage): [string, string][] {
  return pairsOf(requestHeaders(rawTrailers, headers.connection));
}

/** Names and values two by two. */
export const pairsOf = (list: readonly string[]): [string, string][] =>
  Array.from({ length: Math.floor(list.length / 2) }, (_, index) => [list[2 * index] ?? "", list[2 * index + 1] ?? ""]);

interface Always {
  readonly dropped: ReadonlySet<string>;
  readonly kept: ReadonlySet<string>;
}

function endToEnd(raw: HeaderList, connection: string | undefined, { dropped, kept }: Always): string[] {
  const named = namedIn(connection);
  const headers: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const [name = "", value = ""] = [raw[index], raw[index + 1]];
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || dropped.has(lower) || (named.has(lower) && !kept.has(lower))) continue;
    headers.push(name, value);
  }
  return headers;
}

function namedIn(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || usual.has(connection)) return none;
  return new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
}

/** What nearly all write, and names nothing more. */
const usual: ReadonlySet<string> = new Set(["keep-alive", "close", "Keep-Alive", "Close"]);
