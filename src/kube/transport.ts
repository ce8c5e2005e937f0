import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { Agents } from "../http/agents.ts";
import type { Answer, ApiRequest, CallReport, OpenAnswer } from "./api-request.ts";
import type { Chance } from "../time/backoff.ts";
import { type Clock, sleep } from "../time/clock.ts";
import type { Endpoint } from "./endpoint.ts";
import { Exchange } from "../http/exchange.ts";
import { ApiError, ConnectionError, exchangeErrors, StoppedError } from "./kube-errors.ts";
import { waitBeforeRetry, waitWhenTurnedAway } from "./retry.ts";
import { ServerClock } from "./server-clock.ts";
import { apiError, isSecretPath } from "./api-status.ts";
import { frozenJson } from "./object.ts";

/** A kube-apiserver closes an idle connection after 90 s. */
const idleMs = 60_000;

/** What a client needs of a {@link Transport}. */
export type ClientTransport = Pick<Transport, "call" | "open" | "clock" | "chance" | "serverNowMs" | "serverDoubtMs">;

export interface TransportOptions {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly chance: Chance;
  /** `keyturn/0.1.0`, as it stands in audit logs and in `managedFields`. */
  readonly userAgent: string;
  /** Hears of every try. */
  readonly onCall?: (report: CallReport) => void;
}

/** How long to wait after the nth try, in milliseconds; undefined: give up. */
type Waits = (tries: number, error: unknown) => number | undefined;

/** All calls of a process to its API server, on one pool of connections that are kept open. */
export class Transport {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly #options: TransportOptions;
  readonly #agents: Agents;
  readonly #serverClock: ServerClock;
  /** Of the server. */
  #host: string | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.chance = options.chance;
    this.#serverClock = new ServerClock(options.clock);
    this.#agents = new Agents({ isSecure: options.endpoint.server.startsWith("https:"), idleMs });
  }

  /** As {@link ServerClock} has it. */
  serverNowMs(): number | undefined {
    return this.#serverClock.nowMs();
  }

  /** As {@link ServerClock} has it. */
  serverDoubtMs(): number {
    return this.#serverClock.doubtMs();
  }

  /**
   * Sends a request and returns its JSON; retries what is safe, see {@link waitBeforeRetry}, and once after a 401.
   *
   * @throws ApiError when the server refuses, ConnectionError when there is no answer, StoppedError after the signal
   */
  call(request: ApiRequest): Promise<Answer> {
    const waitMs = (tries: number, error: unknown) =>
      waitBeforeRetry({ method: request.method, tries }, error, this.chance);
    return this.#repeated(request, (timeoutMs) => this.#try(request, timeoutMs), waitMs);
  }

  /**
   * Begins an answer that goes on, a watch; `timeoutMs` is until its head. Sent again only after a 429, which a server says
   * to every watch of a CRD that was just changed, and once after a 401: who watches hears of any other failure.
   *
   * @throws as {@link call}
   */
  open(request: ApiRequest): Promise<OpenAnswer> {
    const waitMs = (tries: number, error: unknown) => waitWhenTurnedAway(tries, error, this.chance);
    return this.#repeated(request, (timeoutMs) => this.#open(request, timeoutMs), waitMs);
  }

  /** Closes every connection; calls that are on their way fail. */
  close(): void {
    this.#agents.close();
  }

  async #repeated<T>(request: ApiRequest, once: (timeoutMs: number) => Promise<T>, waits: Waits): Promise<T> {
    const endsAtMs = this.clock.monotonicMs() + (request.totalMs ?? 60_000);
    let wasRefreshed = false;
    for (let tries = 1; ; tries++) {
      const leftMs = endsAtMs - this.clock.monotonicMs();
      try {
        return await once(Math.min(request.timeoutMs ?? 30_000, leftMs));
      } catch (error) {
        const isDenied = error instanceof ApiError && error.status === 401;
        const waitMs = isDenied && !wasRefreshed ? 0 : waits(tries, error);
        if (waitMs === undefined || this.clock.monotonicMs() + waitMs >= endsAtMs) throw error;
        wasRefreshed ||= isDenied;
        if (waitMs > 0) await sleep(this.clock, waitMs, request.signal);
      }
    }
  }

  async #open(request: ApiRequest, timeoutMs: number): Promise<OpenAnswer> {
    const exchange = await this.#exchange(request, timeoutMs);
    const head = await this.#head(request, exchange);
    if ((head.statusCode ?? 0) >= 300) await this.#refuse(request, exchange, head);
    exchange.unlimited();
    const cut = (error: ConnectionError | StoppedError): void => {
      this.#dropDead(error);
      exchange.cut(error);
    };
    return { chunks: exchange.chunks(head), cut };
  }

  async #try(request: ApiRequest, timeoutMs: number): Promise<Answer> {
    const exchange = await this.#exchange(request, timeoutMs);
    if (request.guard?.() === false) throw new StoppedError(request.what);
    const head = await this.#head(request, exchange);
    const status = head.statusCode ?? 0;
    if (status >= 300) return this.#refuse(request, exchange, head);
    const body = frozenJson(await exchange.text(head));
    if (body !== undefined) return { status, body };
    throw new ConnectionError("BadAnswer", `Cannot ${request.what}: the answer must be JSON`, true);
  }

  async #refuse(request: ApiRequest, exchange: Exchange, head: IncomingMessage): Promise<never> {
    const { what, path } = request;
    const status = head.statusCode ?? 0;
    const body = frozenJson(await exchange.text(head));
    if (status === 401) this.#options.endpoint.refresh();
    const refusal = { what, secret: isSecretPath(path), status, headers: head.headers, body };
    throw apiError(refusal, this.clock.nowMs());
  }

  async #exchange(request: ApiRequest, timeoutMs: number): Promise<Exchange> {
    const { endpoint, clock, userAgent } = this.#options;
    const { token, tls, headers, agent } = await this.#credentials(request.what);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const all: OutgoingHttpHeaders = {
      ...headers,
      accept: request.accept ?? "application/json",
      "user-agent": userAgent,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": request.contentType ?? "application/json" }),
      ...(body !== undefined && { "content-length": Buffer.byteLength(body) }),
    };
    return new Exchange({
      url: new URL(endpoint.server.replace(/\/+$/, "") + request.path),
      method: request.method,
      headers: all,
      agent: agent ?? this.#agents.for(tls),
      errors: exchangeErrors(request.what),
      timeoutMs,
      clock,
      ...(body !== undefined && { body }),
      ...(request.signal !== undefined && { signal: request.signal }),
    });
  }

  async #credentials(what: string) {
    try {
      return await this.#options.endpoint.credentials();
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      throw new ConnectionError("NoCredentials", `Cannot ${what}: no credentials: ${problem}`, false);
    }
  }

  async #head({ method, path }: ApiRequest, exchange: Exchange): Promise<IncomingMessage> {
    const { endpoint, clock, onCall } = this.#options;
    const startedAtMs = clock.monotonicMs();
    const host = (this.#host ??= new URL(endpoint.server).host);
    const report = (code: string): void => {
      const durationMs = clock.monotonicMs() - startedAtMs;
      onCall?.({ method, path: withoutQuery(path), host, code, durationMs });
    };
    try {
      const head = await exchange.head();
      report(String(head.statusCode ?? 0));
      this.#serverClock.note(head.headers.date, startedAtMs);
      return head;
    } catch (error) {
      report("<error>");
      this.#dropDead(error);
      throw error;
    }
  }

  /** After a timeout the idle connections are likely to be dead as well. */
  #dropDead(error: unknown): void {
    if (error instanceof ConnectionError && error.code === "TimedOut") this.#agents.dropIdle();
  }
}

function withoutQuery(path: string): string {
  const at = path.indexOf("?");
  return at < 0 ? path : path.slice(0, at);
}
