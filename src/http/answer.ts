import type { IncomingMessage, ServerResponse } from "node:http";

/** The path of a request's URL, without its query. */
export function pathOf(url = ""): string {
  const end = url.indexOf("?");
  return end < 0 ? url : url.slice(0, end);
}

/** One request, and the answer that it gets. */
export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Names and values in turn, as they go over the wire. */
export type HeaderList = readonly string[];

/** Answers without a body, and says so: a proxy that has to look for one gives up the connection. */
export function sendEmpty(response: ServerResponse, status: number, headers: HeaderList = []): void {
  response.writeHead(status, [...headers, "content-length", "0"]);
  response.end();
}

export interface TextAnswer {
  readonly status: number;
  /** The media type. */
  readonly type: string;
  readonly body: string;
  readonly headers?: HeaderList;
}

/** @param withBody - False: the answer to a HEAD request, with the headers of the whole */
export function sendText(response: ServerResponse, answer: TextAnswer, withBody = true): void {
  const { status, type, body, headers = [] } = answer;
  const bytes = Buffer.from(body);
  response.writeHead(status, [...headers, "content-type", type, "content-length", String(bytes.length)]);
  response.end(withBody ? bytes : undefined);
}

/** True for methods that only look. */
export const isRead = ({ method }: IncomingMessage): boolean => method === "GET" || method === "HEAD";

/** True when a body is announced (RFC 9112 §6.3). One that nobody reads must not hold the connection. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
