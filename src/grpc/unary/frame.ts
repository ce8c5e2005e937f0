import { gunzipSync } from "node:zlib";
import type { GrpcCode } from "./codes.ts";

/** One byte says whether the message is compressed, four how long it is. @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
export const prefixBytes = 5;

/** Have as many bytes come as its first ones announce, or more? @param head - From the beginning */
export const isWhole = (head: Buffer, size: number): boolean =>
  head.length >= prefixBytes && size >= prefixBytes + head.readUInt32BE(1);

/** A message, ready to go: see `wire-fields.ts` for the text. */
export const frameOf = (message: string): string => {
  const { length } = message;
  return `\0${String.fromCharCode(length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255)}${message}`;
};

/** The one message of a request that has come whole; or what the call comes to for it. */
export function messageIn(frame: Buffer, encoding: unknown, mostBytes: number): Buffer | GrpcCode {
  if (frame.length < prefixBytes || frame.length !== prefixBytes + frame.readUInt32BE(1)) return "INTERNAL";
  const message = frame.subarray(prefixBytes);
  if (message.length > mostBytes) return "RESOURCE_EXHAUSTED";
  const [flag] = frame;
  if (flag === 0) return message;
  if (flag !== 1) return "INTERNAL";
  return encoding === "gzip" ? unzipped(message, mostBytes) : "UNIMPLEMENTED";
}

function unzipped(message: Buffer, mostBytes: number): Buffer | GrpcCode {
  try {
    return gunzipSync(message, { maxOutputLength: mostBytes });
  } catch (error) {
    return error instanceof RangeError ? "RESOURCE_EXHAUSTED" : "INTERNAL";
  }
}
