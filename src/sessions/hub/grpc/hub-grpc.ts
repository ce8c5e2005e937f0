import { type handleBidiStreamingCall, Metadata, type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { GrpcFace } from "../../../grpc/grpc-server.ts";
import type { Attachment, HubPipe, HubSessions } from "../attachment.ts";
import { type HubEndCode, type HubFrame, readApplicationFrame } from "../hub-frames.ts";
import type { SessionHub } from "../session-hub.ts";
import { hubDefinition } from "./hub-description.ts";

/** Of the hub's listener: there is one application, and those that it takes over from. A message may be larger than any that is passed on: it is answered. */
export const hubLimits = { connections: 64, calls: 16, messageBytes: 4_194_304 };

/** `keyturn.sessions.v1.Hub`. When its listener is drained the application is told. */
export function hubFace(hub: SessionHub, sessions: HubSessions): GrpcFace {
  const attach: handleBidiStreamingCall<unknown, HubFrame> = (stream) => {
    stream.on("error", () => undefined);
    const attachment: Attachment = hub.attach(sessions, pipeTo(stream));
    stream.on("data", (frame: unknown) => attachment.heard(readApplicationFrame(frame)));
    stream.on("drain", () => attachment.drained());
    stream.on("end", () => {
      attachment.lost();
      stream.end();
    });
    stream.on("cancelled", () => attachment.lost());
  };
  return {
    services: [{ definition: hubDefinition, implementation: { Attach: attach } }],
    onDrain: () => hub.close(),
  };
}

const pipeTo = (stream: ServerDuplexStream<unknown, HubFrame>): HubPipe => ({
  write: (frame) => stream.write(frame),
  pause: () => stream.pause(),
  resume: () => stream.resume(),
  close: (code) => void stream.emit("error", statusOf(code)),
});

const ends = {
  Superseded: { status: "ABORTED", retry: false, details: "Another application has attached" },
  Draining: { status: "UNAVAILABLE", retry: true, details: "The gateway is about to stop" },
  BadMessage: { status: "INVALID_ARGUMENT", retry: false, details: "What was said is no frame of the protocol" },
} as const satisfies Record<HubEndCode, object>;

/** With its code, and whether to come back. */
function statusOf(code: HubEndCode) {
  const { status: name, retry, details } = ends[code];
  const metadata = new Metadata();
  metadata.set("keyturn-code", code);
  metadata.set("keyturn-retry", String(retry));
  return { code: status[name], details, metadata };
}
