import { connect, type IncomingHttpHeaders } from "node:http2";
import { connect as connectSocket } from "node:net";
import { sessionsDefinition } from "../../support/session-services.ts";
import type { HeardFrame, OpenLine } from "./line.ts";

const { path, requestSerialize, responseDeserialize } = methodNamed("Connect");

function methodNamed(name: string) {
  const method = sessionsDefinition[name];
  if (method === undefined) throw new Error(`there is no method ${name}`);
  return method;
}

/** gRPC on HTTP/2 by hand: a connection and a stream of its own for each, as processes have them. */
export const grpcLine: OpenLine = (port, token, ends) => {
  const socket = connectSocket({ port, host: "127.0.0.1", noDelay: true });
  const session = connect(`http://127.0.0.1:${port}`, { createConnection: () => socket });
  let status = "without a status";
  session.on("error", (error: Error) => {
    status = error.message;
  });
  session.on("close", () => ends.ended(status));
  const stream = session.request({
    ...{ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" },
    authorization: `Bearer ${token}`,
  });
  let rest: Buffer = Buffer.alloc(0);
  stream.on("error", () => undefined);
  const read = (headers: IncomingHttpHeaders): void => {
    const { "grpc-status": code, "grpc-message": message } = headers;
    if (code !== undefined) status = [code, message].flat().join(" ");
  };
  // A call that is refused at once has its status in its only headers
  stream.on("response", read);
  stream.on("trailers", read);
  stream.on("close", () => session.close());
  stream.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1);
      ends.heard(responseDeserialize(rest.subarray(5, end)) as HeardFrame);
      rest = rest.subarray(end);
    }
  });
  return {
    say: (frame) => {
      const body = requestSerialize(frame);
      const head = Buffer.alloc(5);
      head.writeUInt32BE(body.length, 1);
      stream.write(Buffer.concat([head, body]));
    },
    leave: () => stream.end(),
    cut: () => {
      session.destroy();
      // A session that is about to close leaves its socket to the other side
      socket.destroy();
    },
  };
};
