import { Registry } from "prom-client";
import { smallFiles } from "../files/small-files.ts";
import { startAdminServer } from "../telemetry/admin-server.ts";
import { Checks, liveness } from "../telemetry/health.ts";
import { addProcessMetricsSoon } from "../telemetry/process-metrics.ts";
import { aborted } from "../time/signal.ts";
import type { AgentIdentities } from "./agent-identities.ts";
import type { AgentOptions, AgentPorts } from "./agent-options.ts";
import { type OpenOrders, openOrders } from "./agent-orders.ts";
import type { AgentSpec, ProxySpec, SocketSpec } from "./agent-spec.ts";
import { openAgentApi } from "./api/open-agent-api.ts";
import { openSockets } from "./api/open-sockets.ts";
import { parseRegistered } from "./config/read-identity.ts";
import { AgentMetrics } from "./agent-metrics.ts";
import { agentReadiness, listenersReadiness } from "./agent-readiness.ts";
import type { IdentitiesOptions, OpenIdentities } from "./identities/identities-options.ts";
import { openIdentities } from "./identities/open-identities.ts";
import { openProxies } from "./proxy/open-proxies.ts";
import { ProxyMetrics } from "./proxy/proxy-metrics.ts";
import { notifier } from "./sinks/notify.ts";
import { openSinks } from "./sinks/open-sinks.ts";
import type { SpecListeners } from "./spec-listeners.ts";
import { UnfinishedFiles } from "./sinks/unfinished-files.ts";
import { openSource } from "./sources/open-source.ts";
import { TokenConnections } from "./sources/token-connections.ts";

/** An agent that is at work. */
export interface OpenAgent {
  readonly identities: AgentIdentities;
  readonly ports: AgentPorts;
  /** Ends it in good order; what is on the disk stays. */
  close(): Promise<void>;
}

/**
 * Runs an agent until the signal: resolves when nothing of it is left.
 *
 * @throws KeyturnError as {@link openAgent}
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { signal, log, onListening } = options;
  const agent = await openAgent(options);
  try {
    onListening?.(agent.ports);
    await aborted(signal);
    log.info({}, "draining");
  } finally {
    await agent.close();
  }
}

/**
 * Opens an agent: every identity has its token, or is being tried; and then all that gives tokens to others.
 *
 * @throws ChangeNeededError what must be changed before it can run: the file, a directory, an address, a credential
 * @throws TryLaterError the issuer is away, and there is no token yet; unless it may start without. Or another agent has the state
 */
export async function openAgent(options: AgentOptions): Promise<OpenAgent> {
  // What is opened later is closed earlier
  const opened = new AsyncDisposableStack();
  try {
    return await openAll(options, opened);
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

async function openAll(options: AgentOptions, opened: AsyncDisposableStack): Promise<OpenAgent> {
  const { log } = options;
  const begun: Begun = {};
  let applied = Promise.resolve();
  const orders = await openOrders(options, (spec) => {
    applied = applied.then(() => applyTo(begun, spec, log));
  });
  const { identities: specs, proxies: proxySpecs, sockets: socketSpecs } = orders.current;
  const { admin, metrics, proxyMetrics } = await openAdmin(options, { begun, orders }, opened);
  const identities = await openKept(options, { spec: orders.current, onNews: metrics.heard }, opened);
  begun.identities = identities;
  const proxies = await openProxies(proxySpecs, { ...options, identities, onAnswered: proxyMetrics.answered });
  begun.proxies = proxies;
  opened.defer(() => proxies.close());
  const sockets = await openSockets(socketSpecs, { ...options, identities, nowMs: () => options.clock.nowMs() });
  begun.sockets = sockets;
  opened.defer(() => sockets.close());
  const api = await openApi(options, { orders, identities }, opened);
  const ending = new AbortController();
  const followed = orders.run(ending.signal);
  options.rereadOn?.(() => void orders.reload());
  opened.defer(async () => {
    ending.abort();
    await followed;
    await applied;
  });
  const counts = { identities: specs.length, proxies: proxySpecs.length, sockets: socketSpecs.length };
  log.info(counts, "keeping tokens");
  return { identities, ports: portsOf({ admin, api, proxies }), close: () => opened.disposeAsync() };
}

/** What is there as soon as all have begun. */
interface Begun {
  identities?: OpenIdentities;
  proxies?: SpecListeners<ProxySpec>;
  sockets?: SpecListeners<SocketSpec>;
}

/** Identities first: a proxy or a socket may be for one that is new. */
async function applyTo(
  { identities, proxies, sockets }: Begun,
  spec: AgentSpec,
  log: AgentOptions["log"],
): Promise<void> {
  try {
    await identities?.apply(spec);
    await proxies?.apply(spec.proxies);
    await sockets?.apply(spec.sockets);
  } catch (error) {
    log.error({ err: error }, "the agent's file can't be put in force as a whole");
  }
}

interface OpenAdmin {
  readonly admin: number | undefined;
  readonly metrics: AgentMetrics;
  readonly proxyMetrics: ProxyMetrics;
}

async function openAdmin(
  { adminListen, readyMarginMs: marginMs, clock }: AgentOptions,
  { begun, orders }: { readonly begun: Begun; readonly orders: OpenOrders },
  opened: AsyncDisposableStack,
): Promise<OpenAdmin> {
  const registry = new Registry();
  const metrics = new AgentMetrics(registry, () => begun.identities);
  const proxyMetrics = new ProxyMetrics(registry);
  const ready = new Checks();
  const nowMs = (): number => clock.nowMs();
  const haveTokens = agentReadiness({ identities: () => begun.identities?.all() ?? [], marginMs, nowMs });
  ready.add("identities", () => (begun.identities ? haveTokens() : "they have not begun yet"));
  // No reason to take traffic away: what was before is in force
  ready.add("file", () => (orders.refused ? { remark: orders.refused.message.replaceAll("\n", "; ") } : undefined));
  ready.add(
    "listeners",
    listenersReadiness(() => [begun.proxies, begun.sockets].flatMap((listeners) => listeners?.missing ?? [])),
  );
  opened.defer(addProcessMetricsSoon(registry, clock));
  if (adminListen === undefined) return { admin: undefined, metrics, proxyMetrics };
  const admin = await startAdminServer({ ...adminListen, live: liveness(), ready, registry });
  opened.defer(() => admin.close());
  return { admin: admin.port, metrics, proxyMetrics };
}

async function openKept(
  options: AgentOptions,
  kept: Pick<IdentitiesOptions, "spec" | "onNews">,
  opened: AsyncDisposableStack,
): Promise<OpenIdentities> {
  const { clock, chance, log, env } = options;
  const connections = new TokenConnections({ files: smallFiles, clock });
  opened.defer(() => connections.close());
  const ending = new AbortController();
  const unfinished = new UnfinishedFiles();
  const identities = await openIdentities({
    ...{ ...options, ...kept },
    openSource: (identity) => openSource(identity, { connections, files: smallFiles, clock }),
    openSinks: (identity) => openSinks(identity, { clock, chance, unfinished }),
    notify: notifier({ clock, log, env, signal: ending.signal }),
  });
  opened.defer(() => identities.close());
  // A command that runs would be waited for
  opened.defer(() => ending.abort());
  return identities;
}

async function openApi(
  { listen: address, registerDir: directory, clock, log, drainMs }: AgentOptions,
  { orders, identities }: { readonly orders: OpenOrders; readonly identities: OpenIdentities },
  opened: AsyncDisposableStack,
): Promise<number | undefined> {
  if (address === undefined) return undefined;
  const registration = directory !== undefined && {
    directory,
    read: (name: string, value: unknown) =>
      parseRegistered(value, { name, dir: directory, issuer: orders.current.issuer }),
  };
  const listener = await openAgentApi({
    ...{ address, identities, log, nowMs: () => clock.nowMs() },
    ...(registration && { registration }),
  });
  opened.defer(() => listener.drain(drainMs));
  return listener.port;
}

const portsOf = (open: {
  readonly api: number | undefined;
  readonly admin: number | undefined;
  readonly proxies: SpecListeners<ProxySpec>;
}): AgentPorts => ({
  ...(open.api !== undefined && { api: open.api }),
  ...(open.admin !== undefined && { admin: open.admin }),
  proxies: open.proxies.ports,
});
