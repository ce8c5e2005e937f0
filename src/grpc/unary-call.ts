import type { ServerHttp2Stream } from "node:http2";
import type { AwaitedCalls, Waiter } from "./awaited-calls.ts";
import type { GrpcStatus } from "./codes.ts";
import { FrameReader, frameOf, type FrameRules } from "./frames.ts";
import { beginAnswer, endCall, endWith } from "./grpc-answer.ts";

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
  readonly #parts: UnaryParts;
  readonly #reader: FrameReader;
  readonly #place: number;
  #isSettled = false;

  constructor(stream: ServerHttp2Stream, parts: UnaryParts) {
    this.#stream = stream;
    this.#parts = parts;
    this.#reader = new FrameReader(parts);
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
    if (this.#isSettled) return;
    this.#reader.add(chunk);
    const message = this.#reader.next();
    if (message === undefined) this.#reader.keep();
    else if (typeof message === "string") this.end({ code: message });
    else if (this.#reader.isEmpty) this.#answer(message);
    else this.end({ code: "INTERNAL" });
  };

  readonly #end = (): void => {
    this.end({ code: "INTERNAL" });
  };

  #answer(message: Buffer): void {
    const answer = answerOf(this.#parts, message);
    if (typeof answer !== "string") this.end(answer);
    else if (this.#settle()) {
      beginAnswer(this.#stream);
      endWith(this.#stream, frameOf(answer));
    }
  }

  /** False where there is nobody to answer. */
  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#parts.waiting.leave(this.#place);
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
