import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerDuplexStream,
  status,
} from "@grpc/grpc-js";
import type { GrpcService } from "../../../grpc/grpc-server.ts";
import { bearerOf } from "../../../http/bearer.ts";
import type { Clock } from "../../../time/clock.ts";
import { retryable, type SessionEnd } from "../../core/session-end.ts";
import { endReasons, grpcStatuses } from "../../protocol/end-statuses.ts";
import { closingFrame, readClientFrame, type RenewedFrame, type ServerFrame } from "../../protocol/session-frames.ts";
import type { SessionInput, SessionPipe } from "../../session-connection.ts";
import type { SessionService } from "../../session-service.ts";
import { sessionsDefinition } from "./sessions-description.ts";

type SessionStream = ServerDuplexStream<unknown, ServerFrame>;

/** A client that does not take its last word is cut off after so long, in milliseconds. */
const closingMs = 1000;
/** Frames that wait for a client that does not read, at the least; beyond it is lost. What it has not confirmed is not among the lost. */
const leastWaiting = 1024;

/** `keyturn.sessions.v1.Sessions`. */
export function sessionsGrpc(service: SessionService, clock: Clock): GrpcService {
  // All that was not confirmed goes again at once
  const mostWaiting = Math.max(leastWaiting, 2 * service.rules.queueMessages);
  const connect: handleBidiStreamingCall<unknown, ServerFrame> = (stream) => {
    stream.on("error", () => undefined);
    const credentials = bearerIn(stream.metadata);
    if ("flaw" in credentials) {
      stream.emit("error", statusOf(retryable("TokenRefused")));
      return;
    }
    const overrun = (): void => {
      input.lost(false);
      stream.emit("error", statusOf(retryable("TooMany")));
    };
    const input: SessionInput = service.connect(credentials.token, pipeTo(stream, { clock, mostWaiting, overrun }));
    stream.on("data", (frame: unknown) => input.heard(readClientFrame(frame)));
    // A stream that breaks may say this, too, and "cancelled" soon after
    stream.on("end", () => {
      afterTurns(clock, () => {
        input.lost(true);
        stream.end();
      });
    });
    stream.on("cancelled", () => input.lost(false));
  };
  const renew: handleUnaryCall<{ readonly sessionId?: string }, RenewedFrame> = ({ request, metadata }, answer) => {
    const credentials = bearerIn(metadata);
    if ("flaw" in credentials) {
      answer(statusOf(retryable("TokenRefused")));
      return;
    }
    const renewal = service.renew(request.sessionId ?? "", credentials.token);
    if (renewal.kind === "renewed") answer(null, renewal.frame);
    else if (renewal.kind === "refused") answer(statusOf(renewal.end));
    else answer({ code: status.FAILED_PRECONDITION, details: "The session is over, or the token ends sooner" });
  };
  return { definition: sessionsDefinition, implementation: { Connect: connect, Renew: renew } };
}

/** So long, in milliseconds, and then two turns of the event loop: what came meanwhile is heard, however busy it was. */
const breakingMs = 20;

function afterTurns(clock: Clock, action: () => void): void {
  clock.after(breakingMs, () => clock.after(0, () => clock.after(0, action)));
}

/** In lower case, as HTTP/2 has names; more than one value is a flaw. */
const bearerIn = (metadata: Metadata) =>
  bearerOf(metadata.get("authorization").flatMap((value) => ["authorization", String(value)]));

interface Means {
  readonly clock: Clock;
  readonly mostWaiting: number;
  /** It does not read. */
  readonly overrun: () => void;
}

function pipeTo(stream: SessionStream, { clock, mostWaiting, overrun }: Means): SessionPipe {
  return {
    send: (frame) => {
      if (stream.writableLength > mostWaiting) overrun();
      else stream.write(frame);
    },
    close: (end) => {
      let isEnded = false;
      const finish = (): void => {
        if (isEnded) return;
        isEnded = true;
        cancel();
        stream.emit("error", statusOf(end));
      };
      const cancel = clock.after(closingMs, finish);
      stream.write({ closing: closingFrame(end) }, finish);
    },
  };
}

/** With its code, and whether to come back, for those who only see the status. */
function statusOf({ code, isRetryable, afterMs }: SessionEnd) {
  const metadata = new Metadata();
  metadata.set("keyturn-code", code);
  metadata.set("keyturn-retry", String(isRetryable));
  metadata.set("keyturn-after-ms", String(afterMs));
  return { code: status[grpcStatuses[code]], details: endReasons[code], metadata };
}
