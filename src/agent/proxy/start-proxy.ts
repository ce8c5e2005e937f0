import { ServerResponse } from "node:http";
import { Socket } from "node:net";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { smallFiles, type SmallFiles } from "../../files/small-files.ts";
import { addressText } from "../../http/address.ts";
import { type Face, listen, type Limits, type Listener } from "../../http/listener.ts";
import { sendProblem } from "../../http/problem.ts";
import { isLocal } from "../../http/local-only.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Clock } from "../../time/clock.ts";
import type { AgentIdentities } from "../agent-identities.ts";
import type { ProxySpec } from "../agent-spec.ts";
import { Forward, type ForwardParts, type ProxyAnswered } from "./forward.ts";
import { openUpstream } from "./open-upstream.ts";
import { type ProxyLimits, proxyLimits } from "./proxy-limits.ts";
import { proxyFailed, tunnelRefused } from "./proxy-problems.ts";
import { UpstreamReach } from "./upstream-reach.ts";

export interface ProxyParts {
  readonly identities: Pick<AgentIdentities, "find">;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<ProxyLimits>;
  /** @default the disk's */
  readonly files?: SmallFiles;
  /** Hears of each request, as soon as its answer begins. Must not throw. */
  readonly onAnswered?: (answered: ProxyAnswered) => void;
}

/** An upload and an event stream may take as long as they like; applications are few, and on this machine. */
const listenerLimits: Limits = { requestMs: 0, silentMs: 0 };

/**
 * Takes plain requests, and passes them on with a fresh token of the identity.
 *
 * @throws ChangeNeededError `AddressUnusable`, `FileUnreadable`
 */
export async function startProxy(spec: ProxySpec, parts: ProxyParts): Promise<Listener> {
  const { listen: address, identity, upstream: url, authorization = "refuse" } = spec;
  const { identities, clock, log, limits, files = smallFiles, onAnswered = () => undefined } = parts;
  if (!isLocal(address)) {
    const must = "must be a Unix socket or a loopback address, since whoever reaches it uses the identity's token";
    throw new ChangeNeededError("AddressUnusable", `Cannot listen on "${addressText(address)}": ${must}`);
  }
  const { upstream, close } = await openUpstream(spec, { files, clock, log });
  const reach = new UpstreamReach(log, { identity, address: addressText(address), upstream: url.origin });
  const guard = { isTcp: address.kind === "tcp", upstreamHost: url.host, authorization };
  const face = faceOf(
    { identities, identity, upstream, reach, guard, limits: { ...proxyLimits, ...limits }, clock, onAnswered },
    log,
  );
  const listener = await listen(address, face, listenerLimits).catch((error: unknown) => {
    close();
    throw error;
  });
  return {
    port: listener.port,
    drain: async (withinMs) => {
      await listener.drain(withinMs);
      close();
    },
  };
}

function faceOf(parts: ForwardParts, log: Log): Face {
  const run = (forward: Forward, response: ServerResponse): void => {
    forward.run().catch((error: unknown) => {
      log.error({ name: error instanceof Error ? error.name : typeof error }, "a request failed in the proxy");
      parts.onAnswered({ status: proxyFailed.status, code: proxyFailed.code });
      // What could not be written may be there still
      response.statusMessage = "";
      if (response.headersSent) response.destroy();
      else sendProblem(response, proxyFailed);
    });
  };
  return {
    handler: (request, response) => run(new Forward(parts, { request, response }), response),
    upgrade: (request, socket, head) => {
      if (!(socket instanceof Socket)) return;
      const response = responseOn(socket, request);
      run(new Forward(parts, { request, response }, { socket, head }), response);
    },
    // Over plain HTTP curl and others offer it with every request; it is refused by not being taken (RFC 9113 §3.1)
    isUpgrade: ({ headers }) => headers.upgrade?.toLowerCase() !== "h2c",
    connect: (request, socket) => {
      if (!(socket instanceof Socket)) return;
      parts.onAnswered({ status: tunnelRefused.status, code: tunnelRefused.code });
      sendProblem(responseOn(socket, request), tunnelRefused);
    },
    continues: true,
  };
}

/** An answer on a connection that Node.js has given away; it is the last one there. */
function responseOn(socket: Socket, request: ConstructorParameters<typeof ServerResponse>[0]): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  socket.on("error", () => undefined);
  response.assignSocket(socket);
  response.on("finish", () => {
    response.detachSocket(socket);
    socket.destroySoon();
  });
  return response;
}
