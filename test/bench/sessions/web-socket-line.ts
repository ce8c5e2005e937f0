import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { HeardFrame, OpenLine } from "./line.ts";

/** Of what is asked for. */
interface Target {
  readonly path: string;
  readonly headers: (token: string) => readonly string[];
}

const request = ({ path, headers }: Target, port: number, token: string): string =>
  [
    ...[`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, "Connection: Upgrade", "Upgrade: websocket"],
    ...["Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`],
    ...[...headers(token), "", ""],
  ].join("\r\n");

/** RFC 6455 by hand: text messages alone, each in one frame; a close frame ends it. */
export const lineTo =
  (target: Target): OpenLine =>
  (port, token, ends) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let rest: Buffer = Buffer.alloc(0);
    let isOpen = false;
    const waiting: Buffer[] = [];
    socket.write(request(target, port, token));
    socket.on("error", () => undefined);
    socket.on("close", () => ends.ended());
    socket.on("data", (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (!isOpen) {
        const end = rest.indexOf("\r\n\r\n");
        if (end === -1) return;
        if (!rest.toString("latin1", 0, end).startsWith("HTTP/1.1 101 ")) {
          socket.destroy();
          return;
        }
        isOpen = true;
        rest = rest.subarray(end + 4);
        for (const frame of waiting.splice(0)) socket.write(frame);
      }
      for (let frame = frameIn(rest); frame !== undefined; frame = frameIn(rest)) {
        rest = rest.subarray(frame.length);
        if (frame.opcode === 8) socket.end();
        else if (frame.opcode === 1) ends.heard(JSON.parse(frame.text) as HeardFrame);
      }
    });
    return {
      say: (frame) => {
        const bytes = masked(JSON.stringify(frame));
        if (isOpen) socket.write(bytes);
        else waiting.push(bytes);
      },
      leave: () => socket.write(farewell),
      // By a reset: a port that waits after its end is missed when ten thousand more come. One that was ended can't be reset
      cut: () => (socket.writableEnded ? socket.destroy() : socket.resetAndDestroy()),
    };
  };

export const webSocketLine = lineTo({
  path: "/sessions",
  headers: (token) => ["Sec-WebSocket-Protocol: keyturn.sessions.v1", `Authorization: Bearer ${token}`],
});

function frameIn(
  bytes: Buffer,
): { readonly opcode: number; readonly text: string; readonly length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes.readUInt8(1);
  const head = short === 126 ? 4 : 2;
  if (bytes.length < head) return undefined;
  const length = head + (short === 126 ? bytes.readUInt16BE(2) : short);
  if (bytes.length < length) return undefined;
  return { opcode: bytes.readUInt8(0) & 0x0f, text: bytes.toString("utf8", head, length), length };
}

/** A close frame without a code. */
const farewell = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);

/** A mask of zeros leaves the bytes as they are. */
function masked(text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(body.length < 126 ? 6 : 8);
  head.writeUInt8(0x81, 0);
  head.writeUInt8(0x80 | (body.length < 126 ? body.length : 126), 1);
  if (body.length >= 126) head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}
