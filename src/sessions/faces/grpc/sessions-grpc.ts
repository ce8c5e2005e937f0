import type { GrpcStatus } from "../../../grpc/codes.ts";
import { prefixBytes } from "../../../grpc/frames.ts";
import type { GrpcMethods } from "../../../grpc/listen-grpc.ts";
import type { StreamCall, StreamListener } from "../../../grpc/stream-call.ts";
import type { UnaryMethod } from "../../../grpc/unary-call.ts";
import { bearerOf } from "../../../http/bearer.ts";
import { ProtobufMessage } from "../../../parse/protobuf.ts";
import { retryable, type SessionEnd } from "../../core/session-end.ts";
import { endReasons, grpcStatuses } from "../../protocol/end-statuses.ts";
import { LastWords } from "../../protocol/last-words.ts";
import { readClientFrame, type ServerFrame } from "../../protocol/session-frames.ts";
import { sessionMessages } from "../../protocol/session-messages.ts";
import type { SessionInput, SessionPipe } from "../../session-connection.ts";
import type { SessionService } from "../../session-service.ts";
import { waitingBounds } from "../waiting-bounds.ts";

const clientFrame = new ProtobufMessage(sessionMessages, "ClientFrame");
const serverFrame = new ProtobufMessage(sessionMessages, "ServerFrame");
const lastWords = new LastWords((frame) => serverFrame.write(frame, prefixBytes));
const renewRequest = new ProtobufMessage(sessionMessages, "RenewRequest");
const renewed = new ProtobufMessage(sessionMessages, "Renewed");

/** `keyturn.sessions.v1.Sessions`. */
export function sessionsGrpc(service: SessionService): GrpcMethods {
  const bounds = waitingBounds(service.rules);
  return new Map([
    [
      "/keyturn.sessions.v1.Sessions/Connect",
      {
        stream: (call: StreamCall, rawHeaders: readonly string[]) => {
          const credentials = bearerOf(rawHeaders);
          if ("token" in credentials)
            return new GrpcSession(call, bounds, (pipe) => service.connect(credentials.token, pipe));
          call.end(statusOf(retryable("TokenRefused")));
          return unheard;
        },
      },
    ],
    ["/keyturn.sessions.v1.Sessions/Renew", { unary: renewing(service) }],
  ]);
}

/** Of a call that has ended where it began. */
const unheard: StreamListener = { heard: () => undefined, ended: () => undefined, closed: () => undefined };

/** A session's connection: hears the client for it, and tells the client. */
class GrpcSession implements StreamListener, SessionPipe {
  readonly #call: StreamCall;
  readonly #bounds: ReturnType<typeof waitingBounds>;
  readonly #input: SessionInput;

  constructor(
    call: StreamCall,
    bounds: ReturnType<typeof waitingBounds>,
    connect: (pipe: SessionPipe) => SessionInput,
  ) {
    this.#call = call;
    this.#bounds = bounds;
    this.#input = connect(this);
  }

  heard(message: Buffer): void {
    this.#input.heard(readClientFrame(clientFrame.read(message)));
  }

  ended(): void {
    this.#input.lost(true);
    this.#call.end({ code: "OK" });
  }

  closed(): void {
    this.#input.lost(false);
  }

  send(frame: ServerFrame): void {
    const { messages, bytes } = this.#call.waiting;
    // Its end is heard of then
    if (messages >= this.#bounds.frames || bytes > this.#bounds.bytes) this.#call.cut();
    else this.#call.write(serverFrame.write(frame, prefixBytes));
  }

  close(end: SessionEnd): void {
    this.#call.write(lastWords.of(end));
    this.#call.end(statusOf(end));
  }
}

const renewing =
  (service: SessionService): UnaryMethod =>
  (message, rawHeaders) => {
    const credentials = bearerOf(rawHeaders);
    if ("flaw" in credentials) return statusOf(retryable("TokenRefused"));
    const sessionId = renewRequest.read(message)?.["sessionId"];
    const renewal = service.renew(typeof sessionId === "string" ? sessionId : "", credentials.token);
    if (renewal.kind === "renewed") return Buffer.from(renewed.write({ ...renewal.frame })).toString("latin1");
    if (renewal.kind === "refused") return statusOf(renewal.end);
    return { code: "FAILED_PRECONDITION", message: "The session is over, or the token ends sooner" };
  };

/** With its code, and whether to come back, for those who only see the status. */
const statusOf = ({ code, isRetryable, afterMs }: SessionEnd): GrpcStatus => ({
  code: grpcStatuses[code],
  message: endReasons[code],
  trailers: { "keyturn-code": code, "keyturn-retry": String(isRetryable), "keyturn-after-ms": String(afterMs) },
});
