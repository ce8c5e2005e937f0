import { type Clock, sleep } from "../time/clock.ts";
import { aborted } from "../time/signal.ts";
import type { Reflector } from "../kube/reflector.ts";
import type { RunSignals } from "./reconcile-loop.ts";
import type { LeaderElector } from "./election.ts";
import type { EventRecorder } from "./events.ts";
import type { AdminServer } from "../telemetry/admin-server.ts";
import type { Leadership } from "./term.ts";

export interface ManagerParts {
  readonly clock: Clock;
  /** Run in every process, so that a new leader knows the cluster at once. */
  readonly reflectors: readonly Reflector[];
  /** What runs while this process leads, until the signals; its writes belong behind `fenced(…, leadership)`. */
  readonly lead: (leadership: Leadership, signals: RunSignals) => Promise<void>;
  /** Absent: this process always leads. */
  readonly elector?: LeaderElector;
  readonly recorder?: EventRecorder;
  readonly server?: AdminServer;
  /** How long passes that run may go on after `stop`, in milliseconds. @default 20000 */
  readonly graceMs?: number;
}

/** How long events may take that are still to be written at the end, in milliseconds. */
const flushMs = 3000;

/** Without an election: leads from the first moment to the last. */
const always: Leadership = { signal: new AbortController().signal, isHeld: () => true };

/**
 * Runs it all until `stop`, and ends it in order: no new pass, the passes that run, the lease, events, watches, the server.
 * Resolves when nothing is left. Rejects with what can't be contained, after the same end.
 */
export async function runManager(parts: ManagerParts, stop: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const watches = Promise.all(parts.reflectors.map((reflector) => reflector.run(ended.signal)));
  const lead = (leadership: Leadership): Promise<void> => leadWith(parts, leadership, stop);
  try {
    await (parts.elector === undefined ? lead(always) : parts.elector.run(stop, lead));
  } finally {
    if (parts.recorder !== undefined)
      await Promise.race([parts.recorder.flush(), sleep(parts.clock, flushMs, ended.signal)]);
    ended.abort();
    await watches;
    await parts.server?.close();
  }
}

/**
 * How long the first lists may take before the work begins without them, in milliseconds. Whoever begins earlier does it all
 * twice; but what can't be seen holds up nothing that can.
 */
const firstListsMs = 4000;

/** Begins when each watch has had its first try, ends when the work has. */
async function leadWith(parts: ManagerParts, leadership: Leadership, stop: AbortSignal): Promise<void> {
  const abandon = new AbortController();
  const giveUp = (): void => abandon.abort();
  leadership.signal.addEventListener("abort", giveUp, { once: true });
  if (leadership.signal.aborted) giveUp();
  const over = new AbortController();
  const signals: RunSignals = { stop, abandon: abandon.signal };
  void graceOver(parts, stop, over.signal).then((isOver) => isOver && giveUp());
  try {
    const isOn = await tried(parts, AbortSignal.any([stop, abandon.signal]));
    if (isOn) await parts.lead(leadership, signals);
  } finally {
    over.abort();
    leadership.signal.removeEventListener("abort", giveUp);
  }
}

/** True when the time has passed that passes have after `stop`; false when everything ended before. */
async function graceOver(
  { clock, graceMs = 20_000 }: ManagerParts,
  stop: AbortSignal,
  over: AbortSignal,
): Promise<boolean> {
  await aborted(AbortSignal.any([stop, over]));
  if (!over.aborted) await sleep(clock, graceMs, over);
  return !over.aborted;
}

/** False when the signal came first. */
async function tried({ clock, reflectors }: ManagerParts, signal: AbortSignal): Promise<boolean> {
  const done = new AbortController();
  const all = Promise.all(reflectors.map((reflector) => reflector.tried()));
  await Promise.race([all, sleep(clock, firstListsMs, AbortSignal.any([signal, done.signal]))]);
  done.abort();
  return !signal.aborted;
}
