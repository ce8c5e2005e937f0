import type { Registry } from "prom-client";
import { type AdminServer, startAdminServer } from "../telemetry/admin-server.ts";
import { liveness } from "../telemetry/health.ts";
import { mintLog, refusalLog } from "./token-log.ts";
import { type Decide, decider } from "./faces/decision.ts";
import { front } from "./faces/front.ts";
import { type Address, addressText } from "../http/address.ts";
import { listen, type Listener } from "../http/listener.ts";
import { mintHandler } from "./faces/mint-handler.ts";
import { momentOf } from "../time/clock.ts";
import { aborted } from "../time/signal.ts";
import type { OpenedHolder } from "../holder/open-holder.ts";
import type { MintRequest } from "../jwt/mint-request.ts";
import type { Minted } from "../jwt/minter.ts";
import { RevokedSet } from "../jwt/revoked-set.ts";
import type { Verifier } from "../jwt/verifier.ts";
import type { RevocationFollower } from "../revocations/revocation-follower.ts";
import type { Sessions } from "../sessions/open-sessions.ts";
import type { SessionsOptions } from "../sessions/sessions-options.ts";
import { type GatewayMetrics, metricsPrefix } from "./gateway-metrics.ts";
import type { GatewayOptions, Ports } from "./options.ts";
import { isReady } from "../holder/state-view.ts";
import { discoveryDocument } from "../holder/well-known.ts";

interface Behind {
  readonly holder: OpenedHolder;
  readonly metrics: GatewayMetrics;
  readonly registry: Registry;
  readonly revocations?: Pick<RevocationFollower, "isFit" | "health">;
  readonly revoked?: RevokedSet;
}

interface FacesBehind extends Behind {
  /** The verifier in force; undefined while no traffic is taken. */
  readonly verifier: () => Verifier | undefined;
}

export interface Faces {
  readonly ports: Ports;
  /** Says that it is not ready any more, answers what was begun, and closes everything. */
  close(withinMs: number): Promise<void>;
}

/** Opens the listeners; the one for minting not before the gateway is ready. @throws ChangeNeededError `AddressUnusable` */
export async function openFaces(options: GatewayOptions, given: Behind): Promise<Faces> {
  const { adminListen, grpcListen, mintListen } = options;
  const behind: FacesBehind = { ...given, verifier: verifierInForce(options, given) };
  const closing = new AbortController();
  const decide = deciderOf(options, behind);
  const listener = await openFront(options, behind, decide);
  const open: Pick<Listener, "drain">[] = [listener];
  let grpc: Listener | undefined;
  let sessions: Sessions | undefined;
  let admin: AdminServer | undefined;
  try {
    grpc = grpcListen && (await openGrpc({ options, behind, address: grpcListen }, decide));
    if (grpc) open.push(grpc);
    sessions = options.sessions && (await openSessionsWith(options.sessions, options, behind));
    if (sessions) open.push(sessions);
    const opening = { options, behind, signal: closing.signal, ...(sessions && { sessions }) };
    admin = adminListen && (await openAdmin({ ...opening, address: adminListen }));
  } catch (error) {
    await Promise.all(open.map((one) => one.drain(0)));
    throw error;
  }
  const mint =
    mintListen &&
    openMint({ options, behind, address: mintListen, signal: closing.signal }).then((minting) => {
      if (minting) open.push(minting);
      return minting?.port ?? 0;
    });
  return {
    ports: {
      front: listener.port,
      ...(grpc && { grpc: grpc.port }),
      ...(sessions && { sessions: sessions.ports }),
      ...(admin && { admin: admin.port }),
      ...(mint && { mint }),
    },
    close: async (withinMs) => {
      closing.abort();
      await mint?.catch(() => undefined);
      await Promise.all(open.map((one) => one.drain(withinMs)));
      await admin?.close();
    },
  };
}

const deciderOf = ({ required, owned, clock }: GatewayOptions, { verifier, metrics }: FacesBehind): Decide =>
  decider({ verifier, required, owned, nowMs: () => clock.nowMs(), count: metrics.verified });

function verifierInForce({ tellsRefusals, log }: GatewayOptions, behind: Behind): FacesBehind["verifier"] {
  const inForce = () => (takesTraffic(behind) ? behind.holder.memory.verifier : undefined);
  if (tellsRefusals !== true) return inForce;
  const telling = refusalLog(log);
  return () => {
    const verifier = inForce();
    return verifier && telling(verifier);
  };
}

const takesTraffic = ({ holder, revocations }: Behind): boolean =>
  isReady(holder.memory.state) && revocations?.isFit !== false;

async function openFront(
  options: GatewayOptions,
  { holder: { memory, jwks } }: Behind,
  decide: Decide,
): Promise<Listener> {
  const { jwksUri, limits, log, clock } = options;
  const now = () => momentOf(clock);
  const handler = front(decide, { jwks, discovery: discoveryDocument({ state: () => memory.state, now }, jwksUri) });
  const listener = await listen(options.listen, { handler }, limits);
  const { signatures } = memory;
  log.info({ address: addressText(options.listen), port: listener.port, signatures }, "listening");
  return listener;
}

/** HTTP/2 is loaded where somebody wants it. */
async function openGrpc({ options, behind, address }: Omit<FaceOpening, "signal">, decide: Decide): Promise<Listener> {
  const [{ listenGrpc }, { extAuthz }] = await Promise.all([
    import("../grpc/listen-grpc.ts"),
    import("./faces/grpc/ext-authz.ts"),
  ]);
  const methods = extAuthz({ decide, isReady: () => takesTraffic(behind) });
  const listener = await listenGrpc(address, { methods }, options.limits);
  options.log.info({ address: addressText(address), port: listener.port }, "listening for gRPC");
  return listener;
}

/** Loaded where somebody wants them, as gRPC is. */
async function openSessionsWith(
  sessions: SessionsOptions,
  options: GatewayOptions,
  behind: FacesBehind,
): Promise<Sessions> {
  const { openSessions } = await import("../sessions/open-sessions.ts");
  const { required, limits, clock, chance, newId, log } = options;
  const { holder, registry, verifier, revoked = new RevokedSet() } = behind;
  return openSessions(sessions, {
    ...{ memory: holder.memory, revoked, verifier, required },
    ...{ metrics: { registry, prefix: metricsPrefix }, clock, chance, newId, log, ...(limits && { limits }) },
  });
}

interface FaceOpening {
  readonly options: GatewayOptions;
  readonly behind: Behind;
  readonly address: Address;
  readonly signal: AbortSignal;
}

function openAdmin({
  options,
  behind,
  address,
  signal,
  sessions,
}: FaceOpening & {
  readonly address: { readonly kind: "tcp" };
  readonly sessions?: Sessions;
}): Promise<AdminServer> {
  const { host, port } = address;
  const { holder, registry, revocations } = behind;
  const ready = holder.readiness(signal, options.remarks);
  if (revocations) ready.add("revocations", () => revocations.health());
  if (sessions) ready.add("sessions", () => sessions.health());
  return startAdminServer({ ...(host !== undefined && { host }), port, live: liveness(), ready, registry });
}

/** Until the gateway is ready, nobody waits for it to stop signing. */
async function openMint({ options, behind, address, signal }: FaceOpening): Promise<Listener | undefined> {
  const { memory } = behind.holder;
  const { log, tellsMinted } = options;
  const mint = (request: MintRequest): Promise<Minted> => memory.mint(request);
  await Promise.race([memory.until(isReady, Infinity), aborted(signal)]);
  if (signal.aborted) return undefined;
  const handler = mintHandler({
    mint: tellsMinted === true ? mintLog(log, mint) : mint,
    hosts: address.kind === "tcp" ? "loopback" : "any",
    count: behind.metrics.minted,
    onDefect: (error) => log.error({ error: error instanceof Error ? error.name : typeof error }, "a defect"),
  });
  const listener = await listen(address, { handler }, { connections: 256, ...options.limits });
  log.info({ address: addressText(address), port: listener.port }, "minting");
  return listener;
}
