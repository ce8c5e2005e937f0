import { constants, type ServerHttp2Stream } from "node:http2";
import { type Cancel, systemClock } from "../time/clock.ts";
import type { GrpcStatus } from "./codes.ts";
import { framed, FrameReader, type FrameRules } from "./frames.ts";
import { beginAnswer, endAnswer, endCall } from "./grpc-answer.ts";

/** What is heard of a call with messages both ways, until it is closed. */
export interface StreamListener {
  heard(message: Buffer): void;
  /** The client says no more, in good order, and still listens. */
  ended(): void;
  /** There is room again, for who was told that there is none. */
  drained?(): void;
  /** It is over, for whatever reason: the last that is heard. */
  closed(): void;
}

/** @param rawHeaders - Names and values in turn, as they came */
export type StreamMethod = (call: StreamCall, rawHeaders: readonly string[]) => StreamListener;

export interface StreamParts extends FrameRules {
  readonly method: StreamMethod;
  readonly rawHeaders: readonly string[];
  /** What the client gives it, in milliseconds. */
  readonly timeoutMs?: number;
}

/** A client that does not take a call's end is cut off after so long, in milliseconds. */
export const endingMs = 1000;

/** So long, in milliseconds, and then two turns of the event loop: what came meanwhile is heard, however busy it was. */
const breakingMs = 20;

function afterTurns(action: () => void): void {
  systemClock.after(breakingMs, () => systemClock.after(0, () => systemClock.after(0, action)));
}

/** A call with messages both ways. */
export class StreamCall {
  readonly #stream: ServerHttp2Stream;
  readonly #reader: FrameReader;
  readonly #listener: StreamListener;
  #cancelTimeout: Cancel | undefined;
  #cancelCut: Cancel | undefined;
  #waiting = 0;
  #isPaused = false;
  /** Its client has said the last. */
  #isEnding = false;
  #isOver = false;
  #isClosed = false;

  constructor(stream: ServerHttp2Stream, parts: StreamParts) {
    this.#stream = stream;
    this.#reader = new FrameReader(parts);
    const { method, rawHeaders, timeoutMs } = parts;
    if (timeoutMs !== undefined)
      this.#cancelTimeout = systemClock.after(timeoutMs, () => this.#fail({ code: "DEADLINE_EXCEEDED" }));
    this.#listener = method(this, rawHeaders);
    stream.on("data", this.#take).on("end", this.#end).on("close", this.#close);
    if (this.#listener.drained) stream.on("drain", () => this.#listener.drained?.());
  }

  /** What was written and has not gone yet. */
  get waiting(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#waiting, bytes: this.#stream.writableLength };
  }

  /**
   * Nothing goes any more once the call has ended.
   *
   * @param frame - A message, with as many bytes before it as its prefix takes
   * @returns Whether there is room for more; where not, the listener is told when
   */
  write(frame: Uint8Array): boolean {
    const stream = this.#stream;
    if (this.#isOver || stream.destroyed || stream.closed) return true;
    if (!stream.headersSent) beginAnswer(stream);
    this.#waiting += 1;
    return stream.write(framed(frame), () => {
      this.#waiting -= 1;
    });
  }

  /** Ends it, after what was written. */
  end(status: GrpcStatus): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    if (stream.headersSent) endAnswer(stream, status);
    else endCall(stream, status);
    // Also what comes after its end is read, and not heard
    stream.resume();
    this.#cancelCut = systemClock.after(endingMs, () => this.cut());
  }

  /** Breaks it off: the client reads too slowly. */
  cut(): void {
    this.#isOver = true;
    this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** What the client says is left with it until {@link resume}. */
  pause(): void {
    this.#isPaused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#stream.resume();
    this.#read();
    this.#finish();
  }

  readonly #take = (chunk: Buffer): void => {
    if (this.#isOver) return;
    this.#reader.add(chunk);
    this.#read();
    this.#reader.keep();
  };

  #read(): void {
    while (!this.#isPaused && !this.#isOver) {
      const message = this.#reader.next();
      if (message === undefined) return;
      if (typeof message === "string") this.#fail({ code: message });
      else this.#listener.heard(message);
    }
  }

  readonly #end = (): void => {
    this.#isEnding = true;
    this.#finish();
  };

  /** The end is heard after all that was said before it, which may be left for a while. */
  #finish(): void {
    if (!this.#isEnding || this.#isPaused || this.#isOver || this.#stream.closed) return;
    this.#isEnding = false;
    if (!this.#reader.isEmpty) this.#fail({ code: "INTERNAL" });
    // Who breaks a call off may say this just before
    else
      afterTurns(() => {
        if (!this.#isOver) this.#listener.ended();
      });
  }

  /** It was not the listener who has ended it. */
  #fail(status: GrpcStatus): void {
    this.end(status);
    this.#close();
  }

  readonly #close = (): void => {
    this.#cancelTimeout?.();
    if (this.#stream.closed || this.#stream.destroyed) this.#cancelCut?.();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isOver = true;
    this.#listener.closed();
  };
}
