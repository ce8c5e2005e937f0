import { RuleError } from "../ring/errors.ts";
import type { RotationRef } from "../ring/ring.ts";
import { exitCodes, type ExitCode } from "./exit.ts";
import { follow } from "./follow.ts";
import type { Change, RingHome } from "./home.ts";
import { happenings } from "./progress.ts";
import { line, paint, type Io, type Style } from "./screen.ts";
import { statusReport } from "./status/report.ts";
import { viewOf, type View } from "./view.ts";
import { clockTime, withClockTimes } from "./words.ts";

/** Whether to stay until it has come true, and how long. */
export interface WaitOptions {
  readonly wait: boolean;
  /** Fires when the patience ends. */
  readonly deadline?: AbortSignal;
}

export const nameOf = ({ namespace, name }: RotationRef): string => `${namespace}/${name}`;

/** The rotation as it is now, when a change to it can take effect. @throws RuleError `Stalled` */
export async function changeable(home: RingHome, action: string): Promise<View> {
  const view = viewOf(await home.observe());
  if (view.decision.kind === "stalled") {
    throw new RuleError(
      "Stalled",
      `Cannot ${action}: ${nameOf(view.seen.rotation)} is stalled: ${view.decision.message}`,
    );
  }
  return view;
}

export interface Asked {
  readonly home: RingHome;
  readonly io: Io;
  readonly before: View;
  readonly change: Change;
  /** What to say when it is asked for. */
  readonly asked: string;
  /** Has it come true? The sentence to end with, or undefined. */
  readonly done: (view: View) => string | undefined;
}

/** Asks for the change; then says what will come of it, or stays and tells what happens until it is done. */
export async function ask(asked: Asked, { wait, deadline }: WaitOptions): Promise<ExitCode> {
  const { home, io, before, change } = asked;
  await home.change(change);
  line(io.out, asked.asked);
  if (wait) return waitUntil({ ...asked, ...(deadline && { deadline }) });
  const after = viewOf(await home.observe());
  const done = asked.done(after);
  const next = done ?? outlook(before, after, io);
  if (next !== undefined) line(io.out, next);
  return exitCodes.done;
}

/** What the home will make of it, in a line: the next write of the forecast. */
function outlook(_before: View, after: View, io: Io): string | undefined {
  const clock = { nowMs: after.nowMs, timeZone: io.timeZone };
  const waitingFor = statusReport(after).waitingFor;
  return waitingFor === undefined ? undefined : `Now waiting to ${withClockTimes(waitingFor, clock)}`;
}

export interface Waiting {
  readonly home: RingHome;
  readonly io: Io;
  /** What is told is what happened since then. */
  readonly before: View;
  readonly deadline?: AbortSignal;
  readonly done: (view: View) => string | undefined;
}

const colours: Readonly<Record<string, Style>> = {
  active: "active",
  prepared: "prepared",
  published: "prepared",
  "verify-only": "verifyOnly",
  revoked: "revoked",
  waiting: "faint",
};

/** Tells what happens until `done` has something to say. */
export async function waitUntil({ home, io, before, deadline, done }: Waiting): Promise<ExitCode> {
  const signal = deadline ? AbortSignal.any([io.interrupted, deadline]) : io.interrupted;
  let last = before;
  let waitingFor: string | undefined;
  for await (const view of follow(home, io, signal)) {
    tell(last, view, io);
    last = view;
    const sentence = done(view);
    if (sentence !== undefined) {
      line(io.out, sentence);
      return exitCodes.done;
    }
    const now = statusReport(view).waitingFor;
    if (now !== undefined && now !== waitingFor) say(io, view, ["waiting", now]);
    waitingFor = now;
  }
  const what = waitingFor ?? statusReport(last).waitingFor ?? "nothing that is known";
  const clock = { nowMs: io.nowMs(), timeZone: io.timeZone };
  const why = io.interrupted.aborted ? "interrupted" : "timed out";
  line(io.err, `keyturn: ${why} while waiting: ${withClockTimes(what, clock)}`);
  return io.interrupted.aborted ? exitCodes.failed : exitCodes.timedOut;
}

function tell(before: View, after: View, io: Io): void {
  if (!after.ring) return;
  for (const { what, text } of happenings(before.ring, after.ring)) say(io, after, [what, text]);
}

function say(io: Io, { nowMs }: View, [what, text]: readonly [what: string, text: string]): void {
  const clock = { nowMs, timeZone: io.timeZone };
  const at = paint(io.err, "faint", clockTime(nowMs, clock));
  line(io.err, `${at}  ${paint(io.err, colours[what] ?? "faint", what.padEnd(11))}  ${withClockTimes(text, clock)}`);
}
