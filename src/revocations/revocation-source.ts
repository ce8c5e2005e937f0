import { Buffer } from "node:buffer";
import { Agent as HttpAgent, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import type { SmallFiles } from "../files/small-files.ts";
import { Exchange, type ExchangeErrors } from "../http/exchange.ts";
import type { Clock } from "../time/clock.ts";
import { SourceAwayError } from "./source-away.ts";

/** Where an issuer says what is revoked, and how to be let in there. */
export interface RevocationSource {
  /** Of https, or of http on this machine; redirects are not followed. */
  readonly url: URL;
  readonly credentials: SourceCredentials;
  /** PEM; who may have signed its certificate. @default whom Node.js trusts */
  readonly caFile?: string;
}

/** Files of one line, read again for each connection: they may change at any time. */
export type SourceCredentials =
  /** A token of somebody whom the issuer trusts, such as a projected ServiceAccount token. */
  | { readonly kind: "token"; readonly tokenFile: string }
  | { readonly kind: "client"; readonly id: string; readonly secretFile: string };

export interface StreamOptions {
  /** The `seq` of the last event that is known; absent: everything. */
  readonly after?: number;
  readonly files: SmallFiles;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** In milliseconds. */
const headMs = 10_000;
/** An issuer says something every ten seconds: one that is silent for longer, in milliseconds, is gone without a word. */
const silentMs = 30_000;
/** The most that an issuer may ask to wait, in milliseconds. */
const longestWaitMs = 60_000;

const errors: ExchangeErrors = {
  timedOut: (timeoutMs) => new SourceAwayError(`said nothing for ${timeoutMs / 1000} s`),
  broken: (problem) => new SourceAwayError(`is away: ${problem}`),
  stopped: () => new SourceAwayError("is not asked any more"),
};

/**
 * The bytes of the stream, until the issuer ends it. Leaving the loop closes the connection.
 *
 * @throws SourceAwayError
 */
export async function* revocationStream(
  source: RevocationSource,
  options: StreamOptions,
): AsyncGenerator<Buffer, void, void> {
  const { clock, signal } = options;
  const agent = await agentFor(source, options.files);
  const headers = await headersFor(source, options);
  const exchange = new Exchange({
    url: source.url,
    method: "GET",
    headers,
    agent,
    errors,
    signal,
    timeoutMs: headMs,
    clock,
  });
  const arm = () => clock.after(silentMs, () => exchange.cut(errors.timedOut(silentMs, true)));
  let cancel = arm();
  try {
    const head = await exchange.head();
    mustStream(head);
    exchange.unlimited();
    for await (const chunk of exchange.chunks(head)) {
      cancel();
      cancel = arm();
      yield chunk;
    }
  } finally {
    cancel();
    exchange.end();
    agent.destroy();
  }
}

async function agentFor({ url, caFile }: RevocationSource, files: SmallFiles): Promise<HttpAgent> {
  if (url.protocol !== "https:") return new HttpAgent();
  const ca = caFile === undefined ? undefined : await reading(files.read(caFile));
  return new HttpsAgent({ minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) });
}

async function headersFor(
  { credentials }: RevocationSource,
  { after, files }: StreamOptions,
): Promise<OutgoingHttpHeaders> {
  return {
    accept: "text/event-stream",
    "accept-encoding": "identity",
    authorization: await authorization(credentials, files),
    ...(after !== undefined && { "last-event-id": String(after) }),
  };
}

async function authorization(credentials: SourceCredentials, files: SmallFiles): Promise<string> {
  if (credentials.kind === "token") return `Bearer ${await reading(files.readLine(credentials.tokenFile))}`;
  const secret = await reading(files.readLine(credentials.secretFile));
  // RFC 6749 §2.3.1: each as a form has it
  const pair = [credentials.id, secret].map(encodeURIComponent).join(":");
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

/** A file may be on its way: it is looked at again. */
async function reading(text: Promise<string>): Promise<string> {
  try {
    return await text;
  } catch (error) {
    throw error instanceof ChangeNeededError ? new SourceAwayError(`is not asked: ${error.message}`) : error;
  }
}

const hints: Readonly<Record<number, string>> = {
  401: ": the token or the secret is not good there",
  403: ": its TokenIssuer must allow watchRevocations",
};

function mustStream({ statusCode = 0, headers }: IncomingMessage): void {
  if (statusCode >= 300 && statusCode < 400) throw new SourceAwayError("redirects, which is not followed");
  if (statusCode !== 200) {
    const seconds = Number(headers["retry-after"] ?? 0);
    const retryAfterMs = seconds > 0 ? Math.min(seconds * 1000, longestWaitMs) : 0;
    throw new SourceAwayError(`answers ${statusCode}${hints[statusCode] ?? ""}`, retryAfterMs);
  }
  if (!/^text\/event-stream\b/i.test(headers["content-type"] ?? "")) {
    throw new SourceAwayError("answers what is no event stream");
  }
}
