// Takes in the tokens of every replica, and has each verified at all replicas, again and again until it ends; with jose and
// the JWKS, too. Says on GET how that went; on GET /round?replicas=3 after every one of three replicas has been asked
// about every token once more; on GET /renewed?renewers=2&kid=… after two pods have renewed a grant, and another key than that signed; on
// GET /called?callers=3&kid=… after three applications have called, and none that knows its token has that of this key; on
// GET /talked?clients=3&kid=… after three clients with sessions have had the echo of a message that they sent since
// then, and no token of this key; on GET /ended?client=… after this one's session has ended for good.
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as after } from "node:timers/promises";
import type { CallReport, Delivery, GrantReport, Revocation } from "./counts.ts";
import { verifyByJose } from "./jose.ts";
import { foreignToken } from "./foreign.ts";
import { askForeign, askReplica } from "./replica.ts";
import type { LedgerEntry, SessionReport } from "./session-counts.ts";
import { watchReplicas } from "./replicas.ts";
import { Tally } from "./tally.ts";

const { JWKS_URL = "", SERVICE = "", NAMESPACE = "", ISSUER = "", AUDIENCE = "" } = process.env;
/** Between two questions to one replica: the rest of a small machine wants to live, too. */
const breathMs = 3;

const tally = new Tally();
const passes = new Map<string, number>();
const events = new EventEmitter();
events.setMaxListeners(0);
const running = new Map<string, AbortController>();

/** One question after the other for as long as the replica is there. */
async function keepAsking(pod: string, address: string, signal: AbortSignal): Promise<void> {
  while (true) {
    for (const held of tally.held()) {
      if (signal.aborted) return;
      await askReplica({ tally, pod, address, held });
      await after(breathMs);
    }
    await after(breathMs);
    await askForeign({ tally, pod, address, held: await foreignToken(ISSUER, AUDIENCE) });
    passes.set(pod, (passes.get(pod) ?? 0) + 1);
    events.emit("pass");
  }
}

/**
 * Ends when this number of replicas is there, and each has been asked about every token that is held now: the pass that runs
 * at this moment may have begun before, the next has not.
 */
async function round(replicas: number): Promise<void> {
  const before = new Map(passes);
  const isDone = (): boolean =>
    tally.replicas.length === replicas &&
    tally.held().length > 0 &&
    tally.replicas.every((pod) => (passes.get(pod) ?? 0) >= (before.get(pod) ?? 0) + 2);
  while (!isDone()) await once(events, "pass");
}

/** Ends when this number of pods has renewed since now, and each has a token that another key has signed. */
async function renewed(renewers: number, kid: string | null): Promise<void> {
  const before = new Map(tally.grants.map(({ pod, renewals }) => [pod, renewals]));
  const isDone = (): boolean =>
    tally.grants.filter((one) => one.kid !== kid && one.renewals > (before.get(one.pod) ?? 0)).length >= renewers;
  while (!isDone()) await once(events, "grant");
}

/** Ends when this number of applications has called since now, by tokens that are not of this key. */
async function called(callers: number, kid: string | null): Promise<void> {
  const before = new Map(tally.callers.map(({ way, calls }) => [way, calls]));
  const isDone = (): boolean =>
    tally.callers.filter(({ way, calls, kids }) => calls > (before.get(way) ?? 0) && kids.at(-1) !== kid).length >=
    callers;
  while (!isDone()) await once(events, "call");
}

/** Ends when this number of clients has had an echo of what they sent since now, and their tokens are not of this key. */
async function talked(clients: number, kid: string | null): Promise<void> {
  const before = new Map(tally.sessions.clients.map(({ instance, sent }) => [instance, sent]));
  const isDone = (): boolean =>
    tally.sessions.clients.filter((one) => one.echoed > (before.get(one.instance) ?? 0) && one.kid !== kid).length >=
    clients;
  while (!isDone()) await once(events, "session");
}

/** Ends when this client's session has ended for good. */
async function ended(client: string | null): Promise<void> {
  const isOver = (): boolean => tally.sessions.clients.some((one) => one.instance === client && one.ended !== "");
  while (!isOver()) await once(events, "session");
}

/** Starts with new replicas and leaves those that are gone. */
function follow(replicas: ReadonlyMap<string, string>): void {
  tally.replicas = [...replicas.keys()];
  for (const [pod, control] of running)
    if (!replicas.has(pod)) {
      control.abort();
      running.delete(pod);
    }
  for (const [pod, address] of replicas)
    if (!running.has(pod)) {
      const control = new AbortController();
      running.set(pod, control);
      void keepAsking(pod, address, control.signal);
    }
}

async function route(request: IncomingMessage): Promise<object> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://client");
  const body: unknown = request.method === "POST" ? JSON.parse(await text(request)) : undefined;
  if (pathname === "/tokens") tally.take(body as Delivery);
  if (pathname === "/revocations") tally.revoke(body as Revocation);
  if (pathname === "/grants") {
    tally.renewed(body as GrantReport);
    events.emit("grant");
  }
  if (pathname === "/calls") {
    tally.called(body as CallReport);
    events.emit("call");
  }
  if (pathname === "/ledger") tally.sessions.heard(body as LedgerEntry);
  if (pathname === "/sessions") {
    tally.sessions.report(body as SessionReport);
    events.emit("session");
  }
  if (pathname === "/talked") await talked(Number(searchParams.get("clients")), searchParams.get("kid"));
  if (pathname === "/ended") await ended(searchParams.get("client"));
  if (pathname === "/called") await called(Number(searchParams.get("callers")), searchParams.get("kid"));
  if (pathname === "/renewed") await renewed(Number(searchParams.get("renewers")), searchParams.get("kid"));
  if (pathname === "/round") await round(Number(searchParams.get("replicas")));
  return request.method === "GET" ? tally.counts() : {};
}

createServer((request, response) => {
  route(request).then(
    (answer) => response.end(JSON.stringify(answer)),
    (error: unknown) => response.writeHead(400).end(String(error)),
  );
}).listen(8080);

process.on("SIGTERM", () => process.exit(0));
void verifyByJose(tally, new URL(JWKS_URL));
await watchReplicas({ namespace: NAMESPACE, service: SERVICE }, follow);
