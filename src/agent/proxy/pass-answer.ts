import type { IncomingMessage, ServerResponse } from "node:http";
import { answerHeaders, trailersOf } from "./hop-headers.ts";

/** Where a redirect leads by way of the proxy. */
export type Location = (value: string) => string;

/** So much goes out as one piece with its head, in bytes. */
const onePiece = 16_384;

/** The upstream's answer, byte by byte as it comes, to the application. One that breaks breaks there as well. */
export function passAnswer(message: IncomingMessage, response: ServerResponse, location: Location): void {
  const headers = headersOf(message, location);
  if (message.complete && message.readableLength <= onePiece && message.rawTrailers.length === 0) {
    passWhole(message, response, headers);
    return;
  }
  response.writeHead(message.statusCode ?? 502, message.statusMessage, headers);
  // An event stream may begin long before its first event
  if (message.readableLength === 0) response.flushHeaders();
  message.on("data", (chunk: Buffer) => {
    if (!response.write(chunk)) message.pause();
  });
  response.on("drain", () => message.resume());
  message.on("end", () => {
    const trailers = trailersOf(message);
    if (trailers.length > 0) response.addTrailers(trailers);
    response.end();
  });
  message.on("close", () => {
    if (!message.complete) response.destroy();
  });
}

/** All of it came with its head, as most answers do: so it goes on in one write, which a buffer behind a text would not. */
function passWhole(message: IncomingMessage, response: ServerResponse, headers: string[]): void {
  const body: unknown = message.read();
  // Nothing to read is an end, too
  message.resume();
  const text = Buffer.isBuffer(body) ? body.toString("latin1") : "";
  if (text !== "" && message.headers["content-length"] === undefined)
    headers.push("Content-Length", String(text.length));
  response.writeHead(message.statusCode ?? 502, message.statusMessage, headers);
  response.end(text, "latin1");
}

function headersOf({ rawHeaders, headers }: IncomingMessage, location: Location): string[] {
  const passed = answerHeaders(rawHeaders, headers.connection);
  if (headers.location === undefined) return passed;
  return passed.map((text, index) =>
    index % 2 === 1 && passed[index - 1]?.toLowerCase() === "location" ? location(text) : text,
  );
}
