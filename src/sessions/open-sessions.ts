import type { Registry } from "prom-client";
import type { RingMemory } from "../holder/ring-memory.ts";
import { type Address, addressText } from "../http/address.ts";
import { type Limits, listen, type Listener } from "../http/listener.ts";
import type { RevokedSet } from "../jwt/revoked-set.ts";
import type { Remark } from "../telemetry/health.ts";
import type { Log } from "../telemetry/log.ts";
import { type Clock, sleep } from "../time/clock.ts";
import type { SessionRevocation } from "./core/session-token.ts";
import type { NatsBus } from "./bus/nats/nats-bus.ts";
import { endRevoked } from "./end-revoked.ts";
import { webSocketFace } from "./faces/web-socket.ts";
import { openHub } from "./hub/open-hub.ts";
import { SessionHub } from "./hub/session-hub.ts";
import type { BearerJudge } from "./judge-bearer.ts";
import { withSessionLog } from "./session-log.ts";
import { SessionMetrics } from "./session-metrics.ts";
import { SessionService } from "./session-service.ts";
import type { BusOptions, SessionsOptions } from "./sessions-options.ts";

/** What sessions need of the program that has them. */
export interface SessionsBehind extends BearerJudge {
  readonly memory: Pick<RingMemory, "state" | "listen">;
  readonly revoked: RevokedSet;
  /** Where their metrics go, and what their names begin with, such as `keyturn_gateway`. */
  readonly metrics: { readonly registry: Registry; readonly prefix: string };
  readonly limits?: Limits;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: Log;
}

/** Sessions that are served. */
export interface Sessions {
  /** Of each listener, where there is one; 0 for a Unix socket. */
  readonly ports: { readonly webSocket?: number; readonly grpc?: number; readonly hub: number };
  /** For `/readyz`. */
  health(): Remark | undefined;
  /** Takes none any more, ends each at a moment of chance within so long, and the hub at last. */
  drain(withinMs: number): Promise<void>;
}

/** Of the time of a drain: what is left is for those who are slow to take their last word. */
const spread = 0.8;
/** The same with a bus: what is left is for those who come to another replica, which fetches what is kept of them here. */
const spreadWithBus = 0.4;
/** So long the application hears what became of its messages, before the hub ends; and so long it may take to leave. In milliseconds. */
const lastWordsMs = { hearing: 100, leaving: 1000 };

/** Opens the listeners. @throws ChangeNeededError `AddressUnusable` */
export async function openSessions(options: SessionsOptions, behind: SessionsBehind): Promise<Sessions> {
  const { rules, timings } = options;
  const { clock, log, newId, chance, verifier, required } = behind;
  const metrics = new SessionMetrics({ ...behind.metrics, graceMs: rules.graceMs });
  const hub = new SessionHub(log, metrics);
  const bus = options.bus && (await openBus(options.bus, behind));
  const service = new SessionService({
    ...{ rules, timings, clock, chance, newId, verifier, required },
    ...(bus && { replica: { bus, id: newId() } }),
    application: hub,
    observer: withSessionLog(log, metrics),
  });
  metrics.watch({ service, hub, ...(bus && { bus }) });
  // Before the first session: what is revoked while listeners open is news, too
  const forget = endRevoked({ revoke: (revocation) => tellingRevoke(service, revocation, log) }, behind);
  const listeners = await openListeners(options, { behind, service, hub }).catch(async (error: unknown) => {
    forget();
    service.close();
    await bus?.close();
    throw error;
  });
  return {
    ports: {
      hub: listeners.hub.port,
      ...(listeners.webSocket && { webSocket: listeners.webSocket.port }),
      ...(listeners.grpc && { grpc: listeners.grpc.port }),
    },
    health: () => {
      const remarks = [
        ...(hub.isAttached ? [] : ["no application is attached: what sessions send waits"]),
        ...(bus?.isConnected === false ? ["the session bus is away: peers of other replicas can't be reached"] : []),
      ];
      return remarks.length === 0 ? undefined : { remark: remarks.join("; ") };
    },
    drain: async (withinMs) => {
      service.drain((bus ? spreadWithBus : spread) * withinMs);
      const fetched = bus && Promise.race([service.emptied(), sleep(clock, withinMs)]);
      await Promise.all([listeners.webSocket?.drain(withinMs), listeners.grpc?.drain(withinMs), fetched]);
      service.close();
      forget();
      if (hub.isAttached) await sleep(clock, lastWordsMs.hearing);
      await listeners.hub.drain(lastWordsMs.leaving);
      await bus?.close();
    },
  };
}

/** Its library is loaded where somebody has a bus. A bus that is away is no reason not to serve. */
async function openBus(options: BusOptions, { clock, log }: SessionsBehind): Promise<NatsBus> {
  const { natsBus } = await import("./bus/nats/nats-bus.ts");
  return natsBus({
    ...options,
    clock,
    observer: {
      changed: (isConnected) => {
        if (isConnected) log.info({}, "the session bus is there");
        else log.warn({}, "the session bus is away: this replica goes on alone");
      },
      failed: (error) => log.warn({ error: error.message }, "cannot use the session bus"),
    },
  });
}

/** Without what was revoked: of a subject that would be a claim. */
function tellingRevoke(service: SessionService, revocation: SessionRevocation, log: Log): void {
  const before = service.size.open;
  service.revoke(revocation);
  const sessions = before - service.size.open;
  if (sessions > 0) log.info({ kind: revocation.kind, sessions }, "sessions of what was revoked have ended");
}

interface SessionParts {
  readonly behind: SessionsBehind;
  readonly service: SessionService;
  readonly hub: SessionHub;
}

interface SessionListeners {
  readonly hub: Listener;
  readonly webSocket?: Listener;
  readonly grpc?: Listener;
}

/** The hub's first: messages have somewhere to go. */
async function openListeners(options: SessionsOptions, parts: SessionParts): Promise<SessionListeners> {
  const { listen: webSocketListen, grpcListen } = options;
  const hub = await openHubListener(options, parts);
  const open = [hub];
  try {
    const webSocket = webSocketListen && (await openWebSocket(webSocketListen, options, parts));
    if (webSocket) open.push(webSocket);
    const grpc = grpcListen && (await openGrpc(grpcListen, options, parts));
    return { hub, ...(webSocket && { webSocket }), ...(grpc && { grpc }) };
  } catch (error) {
    await Promise.all(open.map((one) => one.drain(0)));
    throw error;
  }
}

async function openHubListener(
  { hubListen }: SessionsOptions,
  { behind, service, hub }: SessionParts,
): Promise<Listener> {
  const listener = await openHub(hubListen, hub, service);
  behind.log.info({ address: addressText(hubListen), port: listener.port }, "listening for the application");
  return listener;
}

async function openWebSocket(address: Address, options: SessionsOptions, { behind, service }: SessionParts) {
  const { limits, log } = behind;
  const face = webSocketFace(service, { origins: options.origins });
  const listener = await listen(address, face, { connections: connectionsFor(options), ...limits });
  log.info({ address: addressText(address), port: listener.port }, "listening for sessions");
  return listener;
}

/** HTTP/2 is loaded where somebody wants it. */
async function openGrpc(address: Address, options: SessionsOptions, { behind, service }: SessionParts) {
  const { limits, log } = behind;
  const [{ listenGrpc }, { sessionsGrpc }] = await Promise.all([
    import("../grpc/listen-grpc.ts"),
    import("./faces/grpc/sessions-grpc.ts"),
  ]);
  const own = { connections: connectionsFor(options), rememberedHeaderBytes: 0 };
  const listener = await listenGrpc(address, { methods: sessionsGrpc(service) }, { ...own, ...limits });
  log.info({ address: addressText(address), port: listener.port }, "listening for sessions over gRPC");
  return listener;
}

/** Each session has one, and while it is superseded two. */
const connectionsFor = ({ rules }: SessionsOptions): number => 2 * rules.peers;
