// A process of its own that wants to lead, and writes while it may. Says what it does, a JSON line each.
import { ConnectionError, isStopped } from "../../../../src/kube/kube-errors.ts";
import { KubeClient } from "../../../../src/kube/client.ts";
import { sleep, systemClock } from "../../../../src/time/clock.ts";
import { fixedEndpoint } from "../../../kube/support/fixed-endpoint.ts";
import { configMaps } from "../../../../src/kube/resource.ts";
import { Transport } from "../../../../src/kube/transport.ts";
import { LeaderElector } from "../../../../src/runtime/election.ts";
import { fenced } from "../../../../src/runtime/fence.ts";
import type { Leadership } from "../../../../src/runtime/term.ts";

export interface CandidateOrders {
  readonly server: string;
  readonly tls: object;
  readonly token?: string;
  readonly namespace: string;
  readonly identity: string;
}

/** What it says: it sees a holder, it leads, it lost the lease, the fence held a write back, it has ended. */
export type Word = "sees" | "leads" | "lost" | "fenced" | "ended" | "wrote";

const orders = JSON.parse(process.argv[2] ?? "{}") as CandidateOrders;
const { server, tls, token, namespace, identity } = orders;
const say = (word: Word): void => void process.stdout.write(`${JSON.stringify(word)}\n`);

const transport = new Transport({
  endpoint: fixedEndpoint(server, { tls, ...(token !== undefined && { token }) }),
  clock: systemClock,
  chance: Math.random,
  userAgent: `candidate-${identity}`,
});
const elector = new LeaderElector({
  client: new KubeClient(transport),
  lease: { namespace, name: "election" },
  identity,
  clock: systemClock,
  chance: Math.random,
  leaseDurationMs: 3000,
  renewDeadlineMs: 2000,
  retryPeriodMs: 300,
  stallLimitMs: 1000,
  onHolder: () => say("sees"),
});

const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());

async function work(leadership: Leadership): Promise<void> {
  say("leads");
  const client = new KubeClient(fenced(transport, leadership));
  const either = AbortSignal.any([stop.signal, leadership.signal]);
  while (!either.aborted) {
    try {
      const ref = { namespace, name: "written" };
      await client.merge(configMaps, { ref, body: { data: { by: identity, at: String(performance.now()) } } });
      say("wrote");
    } catch (error) {
      if (isStopped(error)) say("fenced");
      else if (!(error instanceof ConnectionError)) throw error;
    }
    await sleep(systemClock, 20, either);
  }
  if (!leadership.signal.aborted) return;
  say("lost");
  // On a busy machine the next one may lose it as well, and it would rightly be this one's again
  stop.abort();
}

await elector.run(stop.signal, work);
transport.close();
say("ended");
