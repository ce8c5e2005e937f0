import { gunzipSync } from "node:zlib";
import type { GrpcCode } from "./codes.ts";

/** One byte says whether the message is compressed, four how long it is. @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
export const prefixBytes = 5;

/** A message, ready to go: see `wire-fields.ts` for the text. */
export const frameOf = (message: string): string => {
  const { length } = message;
  return `\0${String.fromCharCode(length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255)}${message}`;
};

/** The same of bytes that have room for the prefix before the message. */
export function framed(frame: Uint8Array): Uint8Array {
  const length = frame.byteLength - prefixBytes;
  for (let index = 1; index < prefixBytes; index++) frame[index] = (length >>> (8 * (prefixBytes - 1 - index))) & 255;
  return frame;
}

export interface FrameRules {
  /** `grpc-encoding` of the request. */
  readonly encoding: unknown;
  /** The most that a message may measure. */
  readonly mostBytes: number;
}

/** Cuts what a client says into its messages. */
export class FrameReader {
  readonly #rules: FrameRules;
  /** What is to be read. */
  #bytes: Buffer = nothing;
  /** Where what came of a message that is not whole is kept: in memory of its own, since what it came with may be much larger. */
  #kept: Buffer = nothing;

  constructor(rules: FrameRules) {
    this.#rules = rules;
  }

  /** Everything that came was read. */
  get isEmpty(): boolean {
    return this.#bytes.length === 0;
  }

  /** More has come. Until {@link keep} its memory is in use. */
  add(chunk: Buffer): void {
    if (this.#bytes.length === 0) this.#bytes = chunk;
    else this.#append(chunk);
  }

  /** The next message; undefined where it is not whole yet; or what the call comes to for it. */
  next(): Buffer | GrpcCode | undefined {
    const bytes = this.#bytes;
    if (bytes.length < prefixBytes) return undefined;
    const { encoding, mostBytes } = this.#rules;
    const end = prefixBytes + bytes.readUInt32BE(1);
    if (end - prefixBytes > mostBytes) return "RESOURCE_EXHAUSTED";
    if (bytes.length < end) return undefined;
    this.#bytes = bytes.length === end ? nothing : bytes.subarray(end);
    this.#kept = nothing;
    const message = bytes.subarray(prefixBytes, end);
    const [flag] = bytes;
    if (flag === 0) return message;
    if (flag !== 1) return "INTERNAL";
    return encoding === "gzip" ? unzipped(message, mostBytes) : "UNIMPLEMENTED";
  }

  /** What is left is kept until more comes. */
  keep(): void {
    const { buffer } = this.#bytes;
    if (this.#bytes.length > 0 && buffer !== this.#kept.buffer) this.#append(nothing);
  }

  /** It grows by doubling: many small parts are no more work than a few large ones. */
  #append(chunk: Buffer): void {
    const [before, size] = [this.#bytes.length, this.#bytes.length + chunk.length];
    if (this.#bytes.buffer !== this.#kept.buffer || size > this.#kept.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.#kept.length));
      this.#bytes.copy(larger);
      this.#kept = larger;
    }
    chunk.copy(this.#kept, before);
    this.#bytes = this.#kept.subarray(0, size);
  }
}

const nothing = Buffer.alloc(0);

function unzipped(message: Buffer, mostBytes: number): Buffer | GrpcCode {
  try {
    return gunzipSync(message, { maxOutputLength: mostBytes });
  } catch (error) {
    return error instanceof RangeError ? "RESOURCE_EXHAUSTED" : "INTERNAL";
  }
}
