import type { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { answerHeaders } from "./hop-headers.ts";
import { pairsOf } from "./sent-body.ts";

/** Where a redirect leads by way of the proxy. */
export type Location = (value: string) => string;

/** The upstream's answer, byte by byte as it comes, to the application. One that breaks breaks there as well. */
export function passAnswer(message: IncomingMessage, response: ServerResponse, location: Location): void {
  response.writeHead(message.statusCode ?? 502, message.statusMessage, headersOf(message, location));
  message.on("data", (chunk: Buffer) => {
    if (!response.write(chunk)) message.pause();
  });
  response.on("drain", () => message.resume());
  message.on("end", () => {
    if (message.rawTrailers.length > 0) response.addTrailers(pairsOf(message.rawTrailers));
    response.end();
  });
  message.on("close", () => {
    if (!message.complete) response.destroy();
  });
  // An event stream may begin long before its first event
  setImmediate(() => {
    if (!response.writableEnded) response.flushHeaders();
  });
}

function headersOf({ rawHeaders, headers }: IncomingMessage, location: Location): string[] {
  const passed = answerHeaders(rawHeaders, headers.connection);
  if (headers.location === undefined) return passed;
  return passed.map((text, index) =>
    index % 2 === 1 && passed[index - 1]?.toLowerCase() === "location" ? location(text) : text,
  );
}

/** Both ends of a connection that speaks another protocol from now on, and what came on it already. */
export interface Switched {
  readonly message: IncomingMessage;
  readonly application: Duplex;
  readonly fromApplication: Buffer;
  readonly upstream: Duplex;
  readonly fromUpstream: Buffer;
}

/** The upstream's 101, and then every byte both ways until one of both ends it. */
export function passSwitched({ message, application, fromApplication, upstream, fromUpstream }: Switched): void {
  const { rawHeaders, headers, statusMessage = "" } = message;
  const lines = [`HTTP/1.1 101 ${statusMessage}`, "Connection: Upgrade", `Upgrade: ${headers.upgrade ?? ""}`];
  for (const [name, value] of pairsOf(answerHeaders(rawHeaders, headers.connection))) lines.push(`${name}: ${value}`);
  application.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  application.write(fromUpstream);
  upstream.write(fromApplication);
  for (const [from, to] of [
    [application, upstream],
    [upstream, application],
  ] as const) {
    if (from instanceof Socket) from.setTimeout(0);
    from.on("error", () => undefined);
    from.on("close", () => to.destroy());
    from.pipe(to);
  }
}
