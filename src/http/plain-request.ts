/** A request that came whole and alone, and of which nothing but its URL and its header lines counts. */
export interface PlainRequest {
  /** As it came: a path, with its query. */
  readonly url: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
}

/** No fragment, and nothing but a path (RFC 9112 §3.2.1). */
const requestLine = /GET (\/[!"$-~]*) HTTP\/1\.1\r\n/y;
/** RFC 9112 §5, of what it allows: at most one space before the value, none after it, and visible ASCII. */
const headerLine = /([\w!#$%&'*+.^`|~-]+): ?((?:[!-~](?:[ -~]*[!-~])?)?)\r\n/y;

/** What decides about the connection, or about a body: node:http knows how. */
const notPlain = new Set(["connection", "expect", "proxy-connection", "transfer-encoding", "upgrade"]);
const mostLines = 100;

/**
 * The request that these bytes are, from their first to their last; undefined when they are anything else, be it good or bad
 * HTTP. What is taken here is a small part of what node:http takes, and it reads the same from it.
 */
export function plainRequest(bytes: Buffer): PlainRequest | undefined {
  const text = bytes.toString("latin1");
  requestLine.lastIndex = 0;
  const url = requestLine.exec(text)?.[1];
  if (url === undefined) return undefined;
  const rawHeaders: string[] = [];
  const seen = { hosts: 0, lengths: 0 };
  let at = requestLine.lastIndex;
  const end = text.length - 2;
  while (at < end && rawHeaders.length < 2 * mostLines) {
    headerLine.lastIndex = at;
    const [line, name, value] = headerLine.exec(text) ?? [];
    if (line === undefined || name === undefined || value === undefined || !isPlain(name, value, seen))
      return undefined;
    rawHeaders.push(name, value);
    at += line.length;
  }
  const isWhole = at === end && text.endsWith("\r\n");
  return isWhole && seen.hosts === 1 ? { url, rawHeaders } : undefined;
}

function isPlain(name: string, value: string, seen: { hosts: number; lengths: number }): boolean {
  const lower = name.toLowerCase();
  // RFC 9112 §3.2: none or two of them are a bad request
  if (lower === "host") seen.hosts += 1;
  else if (lower === "content-length") return value === "0" && ++seen.lengths === 1;
  return !notPlain.has(lower);
}
