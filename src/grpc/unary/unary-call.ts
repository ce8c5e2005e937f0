import { constants, type ServerHttp2Stream } from "node:http2";
import { type GrpcCode, grpcCodes } from "./codes.ts";
import { frameOf, isWhole, messageIn, prefixBytes } from "./frame.ts";
import type { Waiter, AwaitedCalls } from "./awaited-calls.ts";

/** One message in, one out: the bytes that came, and a text in which each character is a byte (`wire-fields.ts`); or what else the call comes to. */
export type UnaryMethod = (message: Buffer) => string | { readonly code: GrpcCode };

export interface UnaryParts {
  readonly method: UnaryMethod;
  /** `grpc-encoding` of the request. */
  readonly encoding: unknown;
  /** The most that a message may measure. */
  readonly messageBytes: number;
  readonly waiting: AwaitedCalls;
}

/** A call whose message is yet to come. It is answered as soon as that is whole. */
export class UnaryCall implements Waiter {
  readonly #stream: ServerHttp2Stream;
  readonly #parts: UnaryParts;
  readonly #place: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #isSettled = false;

  constructor(stream: ServerHttp2Stream, parts: UnaryParts) {
    this.#stream = stream;
    this.#parts = parts;
    this.#place = parts.waiting.enter(this);
    stream.on("data", this.#take).on("end", this.#end);
  }

  get isOver(): boolean {
    return this.#stream.destroyed;
  }

  /** Ends it without a message. */
  end(code: GrpcCode): void {
    if (this.#settle()) endCall(this.#stream, code);
  }

  readonly #take = (chunk: Buffer): void => {
    if (this.#isSettled) return;
    this.#size += chunk.length;
    if (this.#size > prefixBytes + this.#parts.messageBytes) this.end("RESOURCE_EXHAUSTED");
    // Nearly every message is one chunk
    else if (this.#size === chunk.length && isWhole(chunk, this.#size)) this.#answer(chunk);
    else this.#collect(chunk);
  };

  #collect(chunk: Buffer): void {
    this.#chunks.push(chunk);
    const [first] = this.#chunks;
    if (first === undefined || first.length < prefixBytes) this.#chunks = [Buffer.concat(this.#chunks)];
    if (isWhole(this.#chunks[0] ?? chunk, this.#size)) this.#answer(Buffer.concat(this.#chunks));
  }

  readonly #end = (): void => {
    if (!this.#isSettled) this.#answer(Buffer.concat(this.#chunks));
  };

  #answer(frame: Buffer): void {
    const { encoding, messageBytes, method } = this.#parts;
    const message = messageIn(frame, encoding, messageBytes);
    if (typeof message === "string") this.end(message);
    else this.#reply(answerOf(method, message));
  }

  #reply(answer: ReturnType<UnaryMethod>): void {
    if (typeof answer !== "string") this.end(answer.code);
    else if (this.#settle()) {
      this.#stream.on("wantTrailers", sendTrailers);
      this.#stream.respond(head, withTrailers);
      this.#stream.end(frameOf(answer), "latin1");
    }
  }

  /** False where there is nobody to answer. */
  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    // Bytes that came are a part of what was read with them, and the stream lives on for a while
    this.#chunks = [];
    this.#parts.waiting.leave(this.#place);
    return !this.#stream.destroyed && !this.#stream.closed;
  }
}

function answerOf(method: UnaryMethod, message: Buffer): ReturnType<UnaryMethod> {
  try {
    return method(message);
  } catch {
    return { code: "INTERNAL" };
  }
}

/** Ends a call without a message. */
export function endCall(stream: ServerHttp2Stream, code: GrpcCode): void {
  stream.respond({ ...head, ...encodings, "grpc-status": grpcCodes[code] }, { endStream: true });
  closeHalfOpen(stream);
}

const head = { ":status": 200, "content-type": "application/grpc+proto" };
const encodings = { "grpc-accept-encoding": "identity,gzip" };
const withTrailers = { waitForTrailers: true };
const trailers = { "grpc-status": "0" };

function sendTrailers(this: ServerHttp2Stream): void {
  this.sendTrailers(trailers);
  closeHalfOpen(this);
}

/** What a client goes on to say is not waited for (RFC 9113 §8.1). It comes after what was put to be sent. */
function closeHalfOpen(stream: ServerHttp2Stream): void {
  if (!stream.readableEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
}
