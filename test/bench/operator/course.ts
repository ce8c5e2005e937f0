import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { KubeClient } from "../../../hack/testcluster/client.ts";
import { cpuSeconds, peakMiB, rssMiB } from "../sidecar/processes.ts";
import { timeOf } from "../times.ts";
import { requestsBetween, type Requests, requestsSoFar, writesIn } from "./api-requests.ts";
import { type Contender, makeReady } from "./contender.ts";

/** What so many new objects cost, and a restart with all of them. Each of one object, in milliseconds. */
export interface Course {
  readonly cpuMs: number;
  readonly wallMs: number;
  /** Of the first, and of the last tenth, at the most a hundred. */
  readonly firstCpuMs: number;
  readonly lastCpuMs: number;
  readonly requests: Requests;
  readonly rssMiB: number;
  readonly peakMiB: number;
  readonly restart: Restart;
}

export interface Restart {
  readonly cpuMs: number;
  readonly wallMs: number;
  /** In all. */
  readonly writes: number;
  readonly rssMiB: number;
  readonly peakMiB: number;
}

export async function course(admin: KubeClient, contender: Contender, count: number): Promise<Course> {
  const some = Math.max(1, Math.min(100, Math.floor(count / 10)));
  const own = [`POST ${contender.folder.split("/").at(-1) ?? ""}`];
  const child = contender.start();
  await atRest(child);
  const before = await requestsSoFar(admin);
  const startedAt = await cpuSeconds(child);
  const made = async (from: number, to: number): Promise<{ readonly cpuMs: number; readonly wallMs: number }> => {
    const names = Array.from({ length: to - from }, (_, i) => `r${from + i}`);
    const cpu = await cpuSeconds(child);
    const wallMs = await timeOf(() => makeReady(admin, contender, names));
    return { cpuMs: ((await cpuSeconds(child)) - cpu) * 1000, wallMs };
  };
  const first = await made(0, some);
  const middle = await made(some, count - some);
  const last = await made(count - some, count);
  await atRest(child);
  const cpuMs = ((await cpuSeconds(child)) - startedAt) * 1000;
  const requests = requestsBetween({ before, after: await requestsSoFar(admin) }, { per: count, own });
  const memory = { rssMiB: await rssMiB(child), peakMiB: await peakMiB(child) };
  await ended(child);
  const restarted = await restart(admin, contender, count);
  await ended(restarted.child);
  return {
    ...{ cpuMs: cpuMs / count, wallMs: (first.wallMs + middle.wallMs + last.wallMs) / count },
    ...{ firstCpuMs: first.cpuMs / some, lastCpuMs: last.cpuMs / some, requests, ...memory },
    restart: restarted,
  };
}

/** Starts it once more; the process is the caller's to end. Its own start is part of the time. */
export async function restart(
  admin: KubeClient,
  contender: Contender,
  count: number,
): Promise<Restart & { readonly child: ChildProcess }> {
  const before = await requestsSoFar(admin);
  const child = contender.start();
  const wallMs = await atRest(child);
  const requests = requestsBetween({ before, after: await requestsSoFar(admin) }, { per: 1, own: [] });
  return {
    ...{ child, cpuMs: ((await cpuSeconds(child)) * 1000) / count, wallMs: wallMs / count, writes: writesIn(requests) },
    ...{ rssMiB: await rssMiB(child), peakMiB: await peakMiB(child) },
  };
}

const lookMs = 200;
/** So long a process takes next to no processor time before it counts as being at rest, in milliseconds. */
const restMs = 2000;

/** Resolves when the process has nothing to do any more; with the milliseconds until its last work. */
async function atRest(child: ChildProcess): Promise<number> {
  const startedAtMs = performance.now();
  let lastMs = startedAtMs;
  let last = await cpuSeconds(child);
  while (performance.now() - lastMs < restMs) {
    await pause(lookMs);
    const now = await cpuSeconds(child);
    // A tick of the clock now and then is no work
    if (now - last >= 0.02) lastMs = performance.now();
    last = now;
  }
  return lastMs - startedAtMs;
}

export async function ended(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  await once(child, "exit");
}
