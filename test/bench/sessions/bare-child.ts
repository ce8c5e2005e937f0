// A bare server of grpc-js or ws, in a process of its own: says that the session is open, and each message once more. Argument: gRPC or WebSocket.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type handleBidiStreamingCall, Server, ServerCredentials } from "@grpc/grpc-js";
import { WebSocketServer } from "ws";
import { sessionsDefinition } from "../../support/session-services.ts";

const accepted = {
  ...{ sessionId: "9b2f6c1e-0000-4000-8000-000000000000", generation: 1, heartbeatIntervalMs: 15_000 },
  ...{ serverNowUnixMs: 1_790_000_000_000, sessionExpiresAtUnixMs: 1_790_000_900_000 },
  ...{ reconnectBeforeUnixMs: 1_790_000_800_000, graceMs: 25_000, resumed: false, received: 0 },
  ...{ queueMessages: 64, queueBytes: 1_048_576 },
};

async function webSocket(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  const sockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });
  const text = JSON.stringify({ accepted });
  sockets.on("connection", (socket) => {
    let isOpen = false;
    socket.on("error", () => undefined);
    socket.on("message", (data: Buffer) => {
      socket.send(isOpen ? data.toString("utf8") : text);
      isOpen = true;
    });
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function grpc(): Promise<number> {
  const server = new Server({ "grpc.enable_channelz": 0 });
  const connect: handleBidiStreamingCall<object, object> = (stream) => {
    let isOpen = false;
    stream.on("error", () => undefined);
    stream.on("data", (frame: object) => {
      stream.write(isOpen ? frame : { accepted });
      isOpen = true;
    });
    stream.on("end", () => stream.end());
  };
  server.addService(sessionsDefinition, { Connect: connect, Renew: () => undefined });
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
}

console.log(process.argv[2] === "gRPC" ? await grpc() : await webSocket());
