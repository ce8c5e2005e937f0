import type { Method } from "../http/exchange.ts";
import type { ConnectionError, StoppedError } from "./kube-errors.ts";

export interface ApiRequest {
  readonly method: Method;
  /** With its query, without the server's own path. */
  readonly path: string;
  /** For messages: `update secrets "team/gateway"`. */
  readonly what: string;
  readonly body?: unknown;
  /** @default application/json */
  readonly contentType?: string;
  /** @default application/json */
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** How long one try may take, in milliseconds. @default 30000 */
  readonly timeoutMs?: number;
  /** How long all tries and the waits between them may take, in milliseconds. @default 60000 */
  readonly totalMs?: number;
  /** Asked just before each try is sent; where it says false, nothing is sent, and the call is stopped. */
  readonly guard?: () => boolean;
}

export interface Answer {
  readonly status: number;
  /** JSON, frozen to its leaves. */
  readonly body: unknown;
}

/** The body of an answer that goes on. */
export interface OpenAnswer {
  /** Ends when the server ends it; leaving the loop closes the connection. @throws ConnectionError | StoppedError */
  readonly chunks: AsyncIterable<Buffer>;
  /** Ends it now, at any time: {@link chunks} then fails with this error. */
  cut(error: ConnectionError | StoppedError): void;
}

/** One try of a request, for metrics. */
export interface CallReport {
  readonly method: Method;
  /** Without its query. Holds names, so it is no label of a metric. */
  readonly path: string;
  readonly host: string;
  /** HTTP status, or `<error>` as client-go says it. */
  readonly code: string;
  /** Until the head of the answer. */
  readonly durationMs: number;
}
