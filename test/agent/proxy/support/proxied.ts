import { once } from "node:events";
import { type ClientRequest, createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { ProxySpec } from "../../../../src/agent/agent-spec.ts";
import type { ProxyAnswered } from "../../../../src/agent/proxy/forward.ts";
import { type ProxyParts, startProxy } from "../../../../src/agent/proxy/start-proxy.ts";
import type { Log } from "../../../../src/telemetry/log.ts";
import { systemClock } from "../../../../src/time/clock.ts";
import { identitySpec, MemoryIdentities, type MemoryIdentity } from "../../support/memory-identities.ts";

export interface Proxied {
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly upstreamPort: number;
  readonly upstream: Server;
  readonly identities: MemoryIdentities;
  readonly identity: MemoryIdentity;
  readonly answered: readonly ProxyAnswered[];
  readonly logged: readonly string[];
  readonly drain: (withinMs: number) => Promise<void>;
}

/** A proxy in front of an upstream that is a server of Node.js, below the path `base`; both end with the test. */
export async function proxied(
  upstream: RequestListener | Server,
  { base = "", ...spec }: Partial<ProxySpec> & { readonly base?: string } = {},
  parts: Partial<ProxyParts> = {},
): Promise<Proxied> {
  const server = typeof upstream === "function" ? createServer(upstream) : upstream;
  const upstreamPort = await opened(server);
  const identities = new MemoryIdentities([identitySpec("shop")], () => Date.now());
  const identity = identities.find("shop");
  if (!identity) throw new Error("no identity");
  const answered: ProxyAnswered[] = [];
  const logged: string[] = [];
  const proxy = await startProxy(
    {
      listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
      upstream: new URL(`http://127.0.0.1:${upstreamPort}${base}`),
      identity: "shop",
      ...spec,
    },
    {
      identities,
      clock: systemClock,
      log: logInto(logged),
      onAnswered: (one) => answered.push(one),
      ...parts,
    },
  );
  onTestFinished(() => proxy.drain(0));
  const { port } = proxy;
  const drain = (withinMs: number): Promise<void> => proxy.drain(withinMs);
  const url = `http://127.0.0.1:${port}`;
  return { port, url, upstreamPort, upstream: server, identities, identity, answered, logged, drain };
}

/** Listens until the test ends. @param port - Of `freePort`, where it is to go away before @default Any that is free */
export async function opened(server: Server | TlsServer, port = 0): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** The token's name in a request that reached the upstream: `shop-1`, then `shop-2`, … */
export function tokenOf({ headers }: Pick<IncomingMessage, "headers">): string {
  const [, payload = ""] = /^Bearer [^.]*\.([^.]*)\./.exec(headers.authorization ?? "") ?? [];
  const claims: unknown = payload === "" ? {} : JSON.parse(Buffer.from(payload, "base64url").toString());
  return typeof claims === "object" && claims !== null && "jti" in claims ? String(claims.jti) : "none";
}

/** The answer's head. */
export async function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  const answer = once(request, "response");
  // What breaks after it is no matter: a body that nobody wants
  request.on("error", () => undefined);
  const [message] = (await answer) as [IncomingMessage];
  return message;
}

/** The whole body. */
export async function bodyOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}

function logInto(lines: string[]): Log {
  const log = (fields: object, message: string): void => {
    lines.push(`${JSON.stringify(fields)} ${message}`);
  };
  return { debug: log, info: log, warn: log, error: log };
}
