import { type Agent, type IncomingMessage, request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Cancel, Clock } from "../time/clock.ts";
import { ConnectionError, type KubeError, StoppedError } from "./kube-errors.ts";
import type { Method } from "./retry.ts";

export interface Outgoing {
  readonly url: URL;
  readonly method: Method;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string;
  readonly agent: Agent;
  /** For messages: `update secrets "team/gateway"`. */
  readonly what: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** One request on one connection, which time, the caller's signal or {@link cut} end at any moment. */
export class Exchange {
  readonly #outgoing: Outgoing;
  #cutBy: KubeError | undefined;
  /** True from when bytes of the request may have left. */
  #sent = false;
  #destroy: (error: Error) => void = () => undefined;
  readonly #cleanUps: Cancel[] = [];

  constructor(outgoing: Outgoing) {
    this.#outgoing = outgoing;
  }

  /** Sends it; resolves with the head of the answer. @throws ConnectionError | StoppedError */
  async head(): Promise<IncomingMessage> {
    const { signal, clock, timeoutMs, what } = this.#outgoing;
    const onAbort = (): void => this.cut(new StoppedError(what));
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#cleanUps.push(() => signal?.removeEventListener("abort", onAbort), clock.after(timeoutMs, this.#timeOut));
    try {
      if (signal?.aborted) throw new StoppedError(what);
      return await this.#send();
    } catch (error) {
      this.end();
      throw this.#converted(error);
    }
  }

  /** The whole body as text. @throws ConnectionError | StoppedError */
  async text(head: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.chunks(head)) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8");
  }

  /** The body as it comes; leaving the loop closes the connection. @throws ConnectionError | StoppedError */
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
  cut(error: KubeError): void {
    this.#cutBy ??= error;
    this.#destroy(error);
    this.end();
  }

  /** Lets go of timer and signal. */
  end(): void {
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
  }

  readonly #timeOut = (): void => {
    const { what, timeoutMs } = this.#outgoing;
    const message = `Cannot ${what}: the API server did not answer within ${Math.round(timeoutMs / 1000)} s`;
    this.cut(new ConnectionError("TimedOut", message, this.#sent));
  };

  #send(): Promise<IncomingMessage> {
    const { url, method, headers, body, agent } = this.#outgoing;
    const isSecure = url.protocol === "https:";
    return new Promise((resolve, reject) => {
      const request = (isSecure ? httpsRequest : httpRequest)(url, { method, headers, agent });
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
    if (error instanceof StoppedError || !(error instanceof Error)) return error;
    // Never its cause: a parser's error carries the bytes of the answer
    const problem = `${this.#sent ? "the connection broke" : "no connection"} (${error.message || codeOf(error)})`;
    return new ConnectionError("Unreachable", `Cannot ${this.#outgoing.what}: ${problem}`, this.#sent);
  }
}

/** The errors of several addresses have no message of their own, but a code. */
const codeOf = (error: Error): string => ("code" in error && typeof error.code === "string" ? error.code : error.name);
