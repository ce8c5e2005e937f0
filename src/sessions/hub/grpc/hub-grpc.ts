import type { GrpcStatus } from "../../../grpc/codes.ts";
import { prefixBytes } from "../../../grpc/frames.ts";
import type { GrpcFace } from "../../../grpc/listen-grpc.ts";
import type { StreamCall, StreamMethod } from "../../../grpc/stream-call.ts";
import { ProtobufMessage } from "../../../parse/protobuf.ts";
import type { HubPipe, HubSessions } from "../attachment.ts";
import { type HubEndCode, readApplicationFrame } from "../hub-frames.ts";
import { hubMessages } from "../hub-messages.ts";
import type { SessionHub } from "../session-hub.ts";

const applicationFrame = new ProtobufMessage(hubMessages, "ApplicationFrame");
const hubFrame = new ProtobufMessage(hubMessages, "HubFrame");

/** Of the hub's listener: there is one application, and those that it takes over from. A message may be larger than any that is passed on: it is answered. */
export const hubLimits = { connections: 64, calls: 16, messageBytes: 4_194_304 };

/** `keyturn.sessions.v1.Hub`. When its listener is drained the application is told. */
export function hubFace(hub: SessionHub, sessions: HubSessions): GrpcFace {
  const attach: StreamMethod = (call) => {
    const attachment = hub.attach(sessions, pipeTo(call));
    return {
      heard: (message) => attachment.heard(readApplicationFrame(applicationFrame.read(message))),
      ended: () => {
        attachment.lost();
        call.end({ code: "OK" });
      },
      drained: () => attachment.drained(),
      closed: () => attachment.lost(),
    };
  };
  return { methods: new Map([["/keyturn.sessions.v1.Hub/Attach", { stream: attach }]]), onDrain: () => hub.close() };
}

const pipeTo = (call: StreamCall): HubPipe => ({
  write: (frame) => call.write(hubFrame.write(frame, prefixBytes)),
  pause: () => call.pause(),
  resume: () => call.resume(),
  close: (code) => call.end(statusOf(code)),
});

const ends = {
  Superseded: { code: "ABORTED", retry: false, message: "Another application has attached" },
  Draining: { code: "UNAVAILABLE", retry: true, message: "The gateway is about to stop" },
  BadMessage: { code: "INVALID_ARGUMENT", retry: false, message: "What was said is no frame of the protocol" },
} as const satisfies Record<HubEndCode, object>;

/** With its code, and whether to come back. */
function statusOf(name: HubEndCode): GrpcStatus {
  const { code, retry, message } = ends[name];
  return { code, message, trailers: { "keyturn-code": name, "keyturn-retry": String(retry) } };
}
