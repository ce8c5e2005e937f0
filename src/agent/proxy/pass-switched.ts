import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { answerHeaders, pairsOf } from "./hop-headers.ts";

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
