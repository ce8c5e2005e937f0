import { errnoOf } from "../errors/errno-words.ts";
import { type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/** Of a request that never becomes one: no HTTP, too slow, too much beside its chunks, too many header lines. */
export type UnreadableStatus = 400 | 408 | 413 | 431;

/** The body of the answer to it. */
export type UnreadableAnswer = (status: UnreadableStatus) => { readonly type: string; readonly body: string };

/**
 * Answers with a body of one's own what Node.js answers with none, and closes the connection as it does.
 *
 * @param isAnswering - Whether an answer is on its way there already: nothing may come into its middle
 */
export function answerUnreadable(
  server: Server,
  answer: UnreadableAnswer,
  isAnswering: (socket: Duplex) => boolean,
): void {
  server.on("clientError", (error, socket) => {
    if (!socket.writable || isAnswering(socket)) {
      socket.destroy();
      return;
    }
    const status = statuses[errnoOf(error) ?? ""] ?? 400;
    const { type, body } = answer(status);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
      "connection: close",
      `content-type: ${type}`,
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    // Whatever else comes is not read
    socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
  });
}

const statuses: Readonly<Record<string, UnreadableStatus>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
