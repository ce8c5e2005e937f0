import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { type GrpcStatus, grpcCodes } from "./codes.ts";

// What goes over the wire around messages. See https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md

/** The whole answer of a call that has one message, and ends well. */
export function answerWith(stream: ServerHttp2Stream, frame: string): void {
  stream.on("wantTrailers", sendOk);
  stream.respond(head, withTrailers);
  stream.end(frame, "latin1");
}

/** Begins an answer with messages, whose status comes after them. */
export function beginAnswer(stream: ServerHttp2Stream): void {
  stream.respond(headOfMessages, withTrailers);
}

/** Ends a call without a message. */
export function endCall(stream: ServerHttp2Stream, status: GrpcStatus): void {
  stream.respond({ ...headOfMessages, ...fieldsOf(status) }, alone);
  closeHalfOpen(stream);
}

/** Ends an answer that has begun, once its messages are out. */
export function endAnswer(stream: ServerHttp2Stream, status: GrpcStatus): void {
  stream.on("wantTrailers", () => sendStatus(stream, fieldsOf(status)));
  stream.end();
}

const head = { ":status": 200, "content-type": "application/grpc+proto" };
/** Where there are more messages to come, or one could not be read. */
const headOfMessages = { ...head, "grpc-accept-encoding": "identity,gzip" };
const withTrailers = { waitForTrailers: true, sendDate: false };
const alone = { endStream: true, sendDate: false };
const ok = { "grpc-status": "0" };

const fieldsOf = ({ code, message, trailers }: GrpcStatus): OutgoingHttpHeaders => ({
  "grpc-status": String(grpcCodes[code]),
  ...(message !== undefined && { "grpc-message": message.replaceAll(unprintable, encodeURIComponent) }),
  ...trailers,
});

/** What stands for itself in `grpc-message` is ASCII that can be seen, without the sign that begins what does not. */
const unprintable = /[^ -$&-~]/gu;

function sendOk(this: ServerHttp2Stream): void {
  sendStatus(this, ok);
}

function sendStatus(stream: ServerHttp2Stream, fields: OutgoingHttpHeaders): void {
  stream.sendTrailers(fields);
  closeHalfOpen(stream);
}

/** What a client goes on to say is not waited for (RFC 9113 §8.1). It comes after what was put to be sent. */
function closeHalfOpen(stream: ServerHttp2Stream): void {
  if (!stream.readableEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
}
