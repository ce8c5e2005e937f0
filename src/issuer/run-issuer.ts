import { randomBytes } from "node:crypto";
import { Registry } from "prom-client";
import { openHolder, type OpenedHolder } from "../holder/open-holder.ts";
import { liveness } from "../telemetry/health.ts";
import { addressText } from "../http/address.ts";
import { Certificate } from "../http/certificate.ts";
import { listen } from "../http/listener.ts";
import { revocationKinds, RevokedSet } from "../jwt/revoked-set.ts";
import { addProcessMetricsSoon } from "../telemetry/process-metrics.ts";
import { startAdminServer } from "../telemetry/admin-server.ts";
import { aborted } from "../time/signal.ts";
import { unreadableError } from "./api/api-error.ts";
import { newIssuerApi } from "./api/issuer-api.ts";
import { auditTo } from "./audit.ts";
import { type LiveCallers, openCallers } from "./callers/live-callers.ts";
import { smallFiles } from "../files/small-files.ts";
import { IssuerMetrics } from "./issuer-metrics.ts";
import type { IssuerOptions } from "./issuer-options.ts";
import { signingOn } from "./signing.ts";
import { keepStore, openInTime, type StoreNews } from "./store-keeping.ts";
import { followRevocations } from "./store/follow-revocations.ts";
import type { GrantStore } from "./store/grant-store.ts";
import { openGrantStore } from "./store/open-grant-store.ts";
import type { IssuerParts } from "./tokens/issuer-parts.ts";

/**
 * Runs an issuer until the signal: resolves when nothing of it is left. A store that is away at the start is waited for.
 *
 * @throws ChangeNeededError what must be changed before it can run: the sources, the TokenIssuer file, the store, an address
 */
export async function runIssuer(options: IssuerOptions): Promise<void> {
  const { log, signal } = options;
  // What is opened later is closed earlier
  const opened = new AsyncDisposableStack();
  try {
    const behind = await openBehind(options, opened);
    const failing = behind.holder.run();
    const store = await Promise.race([openInTime(() => openGrantStore(options.store), options), failing]);
    if (store === undefined) return;
    opened.defer(() => store.close());
    const parts = partsOf(options, behind, store);
    inBackground(options, { behind, parts }, opened);
    await openApi(options, { behind, parts }, opened);
    await Promise.race([aborted(signal), failing]);
    log.info({}, "draining");
  } finally {
    await opened.disposeAsync();
  }
}

/** All that is there without a store. */
interface WithoutStore {
  readonly holder: OpenedHolder;
  readonly callers: LiveCallers;
  readonly metrics: IssuerMetrics;
  readonly revoked: RevokedSet;
  readonly news: StoreNews;
  readonly certificate: Certificate | undefined;
  readonly adminPort: number | undefined;
}

async function openBehind(options: IssuerOptions, opened: AsyncDisposableStack): Promise<WithoutStore> {
  const { clock, signal, adminListen, remarks = () => [] } = options;
  const registry = new Registry();
  const { revoked = new RevokedSet() } = options;
  const news: StoreNews = {};
  const callers = await openCallers({ ...options, path: options.config, files: smallFiles });
  opened.defer(() => callers.close());
  const certificate = await certificateOf(options);
  options.rereadOn?.(() => void callers.reload());
  const holder = await openHolder({ ...options, mints: true, metrics: { registry, prefix: "keyturn_issuer" } });
  opened.defer(() => holder.close());
  const metrics = new IssuerMetrics(registry, {
    grants: () => news.grants,
    revocations: () => revoked.size,
    load: () => news.store?.load(),
    isStoreAway: () => news.store === undefined || news.problem !== undefined,
    isFileRefused: () => callers.refused !== undefined,
  });
  const ready = holder.readiness(signal, () => [...problemsOf({ callers, news, certificate }), ...remarks()]);
  // Whoever is sent here before would find nobody who listens
  ready.add("store", () => (news.store === undefined ? "it is not open yet" : undefined));
  const admin = adminListen && (await startAdminServer({ ...adminListen, live: liveness(), ready, registry }));
  if (admin) opened.defer(() => admin.close());
  opened.defer(addProcessMetricsSoon(registry, clock));
  return { holder, callers, metrics, revoked, news, certificate, adminPort: admin?.port };
}

async function certificateOf({ certificate, clock, log }: IssuerOptions): Promise<Certificate | undefined> {
  return (
    certificate &&
    Certificate.open({
      ...{ ...certificate, clock },
      onChange: (change) => {
        if (change.kind === "taken") log.info({}, "another certificate is in force");
        else log.warn({}, `${change.why}. The one before stays in force`);
      },
    })
  );
}

/** No reason to take traffic away: all replicas have the same file and the same store, and a client that hears 503 keeps its token. */
const problemsOf = ({
  callers: { refused },
  news: { problem },
  certificate,
}: Pick<WithoutStore, "callers" | "news" | "certificate">): readonly string[] => [
  ...(refused === undefined ? [] : [`TokenIssuer: ${refused.message}`]),
  ...(problem === undefined ? [] : [`store: ${problem}`]),
  ...(certificate?.refused === undefined ? [] : [`certificate: ${certificate.refused}`]),
];

function partsOf(
  { clock, log }: IssuerOptions,
  { holder: { memory }, callers, metrics, revoked }: WithoutStore,
  store: GrantStore,
): IssuerParts {
  const audit = auditTo(log);
  return {
    ...signingOn(memory, clock),
    ...{ store, callers, revoked, randomBytes, nowMs: () => clock.nowMs() },
    on: (event) => {
      metrics.on(event);
      audit(event);
    },
  };
}

interface Issuer {
  readonly behind: WithoutStore;
  readonly parts: IssuerParts;
}

/** What goes on by itself. */
function inBackground(
  options: IssuerOptions,
  { behind: { callers, news, revoked: set, certificate }, parts: { store, longestTtlMs } }: Issuer,
  opened: AsyncDisposableStack,
): void {
  const { clock, chance, log } = options;
  const ending = new AbortController();
  const around = { clock, chance, log, signal: ending.signal };
  const onProblem = (): void => log.warn({}, "Cannot read what was revoked: it is tried again");
  // Of a grant the issuer asks the store, and a client's may be a million: they are kept for whoever shares the set
  const kinds = options.revoked === undefined ? (["token", "subject"] as const) : revocationKinds;
  const all = Promise.all([
    callers.run(ending.signal),
    certificate?.run(ending.signal),
    followRevocations(store, { set, kinds, signal: ending.signal }, { clock, chance, onProblem }),
    keepStore({ ...around, store, news, longestTtlMs }),
  ]);
  opened.defer(async () => {
    ending.abort();
    await all;
  });
}

async function openApi(
  options: IssuerOptions,
  { behind: { holder, metrics, news, adminPort, certificate }, parts }: Issuer,
  opened: AsyncDisposableStack,
): Promise<void> {
  const closing = new AbortController();
  const { log, drainMs } = options;
  const api = await newIssuerApi(parts, {
    ...options,
    ...{ jwks: holder.jwks, closing: closing.signal, onAnswered: metrics.answered },
  });
  opened.defer(async () => {
    // What follows the log of revocations goes on until then
    closing.abort();
    await api.close();
  });
  await api.ready();
  const listener = await listen(
    options.listen,
    {
      handler: (request, response) => api.routing(request, response),
      ...(certificate && { certificate }),
      unreadable: unreadableError,
      onDrain: () => closing.abort(),
    },
    options.limits,
  );
  opened.defer(() => listener.drain(drainMs));
  // Not before: who is told that it is ready comes at once
  news.store = parts.store;
  const { port } = listener;
  log.info({ address: addressText(options.listen), port, signatures: holder.memory.signatures }, "listening");
  options.onListening?.({ api: port, ...(adminPort !== undefined && { admin: adminPort }) });
}
