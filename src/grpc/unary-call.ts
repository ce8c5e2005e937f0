import type { ServerHttp2Stream } from "node:http2";
import type { AwaitedCalls, Waiter } from "./awaited-calls.ts";
import type { GrpcStatus } from "./codes.ts";
import { FrameReader, frameOf, type FrameRules } from "./frames.ts";
import { answerWith, endCall } from "./grpc-answer.ts";

/**
 * One message in, one out: the bytes that came, and a text in which each character is a byte (`wire-fields.ts`); or what else the call comes to.
 *
 * @param rawHeaders - Names and values in turn, as they came
 */
export type UnaryMethod = (message: Buffer, rawHeaders: readonly string[]) => string | GrpcStatus;

export interface UnaryParts extends FrameRules {
  readonly method: UnaryMethod;
  readonly rawHeaders: readonly string[];
  readonly waiting: AwaitedCalls;
}

/** A call whose message is yet to come. It is answered as soon as that is whole. */
export class UnaryCall implements Waiter {
  readonly #stream: ServerHttp2Stream;
  readonly #place: number;
  /** Let go when it is settled: a stream that is over stays in memory until the next full collection, with all that it leads to. */
  #open: { readonly parts: UnaryParts; readonly reader: FrameReader } | undefined;

  constructor(stream: ServerHttp2Stream, parts: UnaryParts) {
    this.#stream = stream;
    this.#open = { parts, reader: new FrameReader(parts) };
    this.#place = parts.waiting.enter(this);
    stream.on("data", this.#take).on("end", this.#end);
  }

  get isOver(): boolean {
    return this.#stream.destroyed;
  }

  /** Ends it without a message. */
  end(status: GrpcStatus): void {
    if (this.#settle()) endCall(this.#stream, status);
  }

  readonly #take = (chunk: Buffer): void => {
    if (this.#open === undefined) return;
    const { reader, parts } = this.#open;
    reader.add(chunk);
    const message = reader.next();
    if (message === undefined) reader.keep();
    else if (typeof message === "string") this.end({ code: message });
    else if (reader.isEmpty) this.#reply(answerOf(parts, message));
    else this.end({ code: "INTERNAL" });
  };

  readonly #end = (): void => {
    this.end({ code: "INTERNAL" });
  };

  #reply(answer: ReturnType<UnaryMethod>): void {
    if (typeof answer !== "string") this.end(answer);
    else if (this.#settle()) {
      answerWith(this.#stream, frameOf(answer));
    }
  }

  /** False where there is nobody to answer. */
  #settle(): boolean {
    if (this.#open === undefined) return false;
    this.#open.parts.waiting.leave(this.#place);
    this.#open = undefined;
    return !this.#stream.destroyed && !this.#stream.closed;
  }
}

function answerOf({ method, rawHeaders }: UnaryParts, message: Buffer): ReturnType<UnaryMethod> {
  try {
    return method(message, rawHeaders);
  } catch {
    return { code: "INTERNAL" };
  }
}
