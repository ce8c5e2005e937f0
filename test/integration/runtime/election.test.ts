import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, inject, onTestFinished, test } from "vitest";
import { admin, makeNamespace } from "../support/scene.ts";
import type { CandidateOrders, Word } from "./support/candidate.ts";

const namespace = await makeNamespace("election");
const { server, token, ...tls } = inject("cluster").connection;
const written = `/api/v1/namespaces/${namespace}/configmaps`;
const lease = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/election`;

/** A candidate in a process of its own. */
function candidate(identity: string) {
  const orders: CandidateOrders = { server, tls, namespace, identity, ...(token !== undefined && { token }) };
  const script = join(import.meta.dirname, "support/candidate.ts");
  const child = spawn(process.execPath, [script, JSON.stringify(orders)], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const words: Word[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    words.push(JSON.parse(line) as Word);
    for (const look of waiting) look();
  });
  return {
    words,
    kill: (signal: NodeJS.Signals): void => void child.kill(signal),
    exited: once(child, "exit"),
    says: (word: Word, from = 0): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!words.slice(from).includes(word)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Who wrote, in the order of the API server. */
async function writers() {
  const seen: string[] = [];
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const watch = async (): Promise<void> => {
    const path = `${written}?fieldSelector=metadata.name=written`;
    for await (const { object } of admin.watch(path, stop.signal)) {
      const { by } = (object["data"] ?? {}) as { by?: string };
      if (by !== undefined) seen.push(by);
    }
  };
  watch().catch(() => undefined);
  return seen;
}

await admin.create(written, { metadata: { name: "written" } });

test("LeaderElector follows a frozen leader, which writes nothing when it wakes up", async () => {
  const seen = await writers();
  const first = candidate("first");
  await first.says("wrote");
  const second = candidate("second");
  first.kill("SIGSTOP");
  const frozenAtMs = performance.now();
  await second.says("wrote");
  console.log(`The next leader wrote ${Math.round(performance.now() - frozenAtMs)} ms after the freeze; lease 3000 ms`);
  const saidBefore = first.words.length;
  first.kill("SIGCONT");
  await Promise.all([first.says("lost", saidBefore), first.exited]);
  await second.says("wrote", second.words.length);
  const since = seen.indexOf("second");
  expect(since).toBeGreaterThan(0);
  expect(seen.slice(since).filter((by) => by !== "second")).toEqual([]);
});

test("LeaderElector hands over within a retry when the leader ends in good order", async () => {
  const first = candidate("third");
  await first.says("leads");
  const second = candidate("fourth");
  await second.says("sees");
  first.kill("SIGTERM");
  const endedAtMs = performance.now();
  await Promise.all([first.exited, second.says("leads")]);
  console.log(`Handed over in ${Math.round(performance.now() - endedAtMs)} ms; retry 300 ms`);
  expect(first.words.at(-1)).toBe("ended");
  second.kill("SIGTERM");
  await second.exited;
  const { spec } = (await admin.get(lease)) as unknown as { spec: { holderIdentity: string } };
  expect(spec.holderIdentity).toBe("");
});
