import { type Agent, type IncomingMessage, request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { connectionProblem, errnoOf } from "../errors/errno-words.ts";
import type { Cancel, Clock } from "../time/clock.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** What becomes of a request without an answer, in the words of who sent it. */
export interface ExchangeErrors {
  /** @param sent - True when bytes of the request may have left */
  timedOut(timeoutMs: number, sent: boolean): Error;
  /**
   * @param problem - `no connection (nothing listens on 127.0.0.1:1)`; never with what was answered
   * @param errno - `ECONNREFUSED`, where the system says what is wrong
   */
  broken(problem: string, sent: boolean, errno?: string): Error;
  /** By the caller's signal. */
  stopped(): Error;
}

export interface Outgoing {
  readonly url: URL;
  readonly method: Method;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string;
  readonly agent: Agent;
  /** A Unix socket, in the place of the host and port of `url`. */
  readonly socketPath?: string;
  readonly errors: ExchangeErrors;
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** One request on one connection, which time, the caller's signal or {@link cut} end at any moment. */
export class Exchange {
  readonly #outgoing: Outgoing;
  #cutBy: Error | undefined;
  /** True from when bytes of the request may have left. */
  #sent = false;
  #destroy: (error: Error) => void = () => undefined;
  readonly #cleanUps: Cancel[] = [];

  constructor(outgoing: Outgoing) {
    this.#outgoing = outgoing;
  }

  /** Sends it; resolves with the head of the answer. @throws what its {@link ExchangeErrors} say */
  async head(): Promise<IncomingMessage> {
    const { signal, clock, timeoutMs, errors } = this.#outgoing;
    const onAbort = (): void => this.cut(errors.stopped());
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#cleanUps.push(() => signal?.removeEventListener("abort", onAbort), clock.after(timeoutMs, this.#timeOut));
    try {
      if (signal?.aborted) onAbort();
      if (this.#cutBy !== undefined) throw this.#cutBy;
      return await this.#send();
    } catch (error) {
      this.end();
      throw this.#converted(error);
    }
  }

  /** The whole body as text. @throws as {@link head} */
  async text(head: IncomingMessage): Promise<string> {
    try {
      return await textOf(head);
    } catch (error) {
      throw this.#converted(error);
    } finally {
      this.end();
    }
  }

  /** The body as it comes; leaving the loop closes the connection. @throws as {@link head} */
  async *chunks(head: IncomingMessage): AsyncGenerator<Buffer, void, void> {
    try {
      for await (const chunk of head) if (Buffer.isBuffer(chunk)) yield chunk;
    } catch (error) {
      throw this.#converted(error);
    } finally {
      this.end();
    }
  }

  /** The head has come; from now on only the signal and {@link cut} end it. */
  unlimited(): void {
    this.#cleanUps.pop()?.();
  }

  /** Ends it now: what waits for it fails with this error. */
  cut(error: Error): void {
    this.#cutBy ??= error;
    this.#destroy(error);
    this.end();
  }

  /** Lets go of timer and signal. */
  end(): void {
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
  }

  readonly #timeOut = (): void => {
    const { errors, timeoutMs } = this.#outgoing;
    this.cut(errors.timedOut(timeoutMs, this.#sent));
  };

  #send(): Promise<IncomingMessage> {
    const { url, method, headers, body, agent, socketPath } = this.#outgoing;
    const isSecure = url.protocol === "https:";
    return new Promise((resolve, reject) => {
      const request = (isSecure ? httpsRequest : httpRequest)(url, {
        ...{ method, headers, agent },
        ...(socketPath !== undefined && { socketPath }),
      });
      this.#destroy = (error) => request.destroy(error);
      request.on("socket", (socket) => {
        // Node sends nothing before: a certificate that is refused never sees the request
        if (!request.reusedSocket) socket.once(isSecure ? "secureConnect" : "connect", () => (this.#sent = true));
        else this.#sent = true;
      });
      request.on("error", reject);
      request.on("response", (head) => {
        this.#destroy = (error) => head.destroy(error);
        // A cut between two reads has nobody else who listens
        head.on("error", () => undefined);
        resolve(head);
      });
      request.end(body);
    });
  }

  #converted(error: unknown): unknown {
    if (this.#cutBy !== undefined) return this.#cutBy;
    if (!(error instanceof Error)) return error;
    // Never its cause: a parser's error carries the bytes of the answer
    const problem = `${this.#sent ? "the connection broke" : "no connection"} (${connectionProblem(error)})`;
    return this.#outgoing.errors.broken(problem, this.#sent, errnoOf(error));
  }
}

/**
 * By its events: an iterator of a stream takes as long as all the rest of a small answer. Of a connection that is kept, Node.js keeps
 * the first answer as long: nothing of the body may hang on it.
 */
function textOf(head: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const add = (chunk: Buffer): number => chunks.push(chunk);
    const end = (): void => {
      head.off("error", fail).off("close", close).off("data", add).off("end", end);
      resolve(Buffer.concat(chunks).toString("utf8"));
    };
    const fail = (error: Error): void => {
      head.off("data", add).off("end", end);
      reject(error);
    };
    // Cut without an error: nothing else would say so
    const close = (): void => fail(new Error("aborted"));
    if (head.errored !== null) reject(head.errored);
    head.on("error", fail).on("close", close).on("data", add).on("end", end);
  });
}
