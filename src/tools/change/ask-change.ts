import { gateLine } from "../../ring/conditions.ts";
import { conflictIn } from "../../ring/decide.ts";
import { describeStep } from "../../ring/describe.ts";
import { statusClaim } from "../../ring/found.ts";
import { describePending, pendingRevocations } from "../../ring/pending.ts";
import { RuleError, type TryLaterError } from "../../errors/keyturn-error.ts";
import type { Step } from "../../ring/plan.ts";
import { rotationName } from "../../ring/ring.ts";
import { Attendance, attendedLook, neglectOf } from "../follow/attendance.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import { follow } from "../follow/follow.ts";
import type { Change } from "../../ring/change.ts";
import type { RingHome } from "../../keeper/home.ts";
import { firstLook, note, warn } from "../first-look.ts";
import { documentText } from "../text/output.ts";
import { Patience } from "../follow/patience.ts";
import { planText } from "../plan/plan-text.ts";
import { line, type Io } from "../text/screen.ts";
import { withChange } from "./suppose.ts";
import { Telling } from "../follow/telling.ts";
import { viewOf, type View } from "../../ring/view.ts";
import { newKeyText, withClockTimes } from "../text/words.ts";

/** How a change is asked for. */
export interface ChangeOptions {
  /** Stay until it has come true. */
  readonly wait: boolean;
  /** Ask for nothing: show what would come of it. */
  readonly dryRun?: boolean;
  /** Change it here, although somebody else will undo it. */
  readonly force?: boolean;
  /** Fires when the patience ends. */
  readonly deadline?: AbortSignal;
}

/**
 * The rotation as it is now, when a change to it can take effect. A revocation can where a projection is somebody else's.
 *
 * @throws RuleError `Stalled`
 */
export async function changeable({ home, io }: Pick<ChangeRequest, "home" | "io">, action: string): Promise<View> {
  const view = await firstLook(home, io);
  const { decision } = view;
  const stall = decision.kind === "stalled" ? decision : action === "revoke" ? undefined : conflictIn(decision);
  if (stall) {
    throw new RuleError(
      "Stalled",
      `Cannot ${action}: ${rotationName(view.seen.rotation)} is stalled: ${stall.message}`,
    );
  }
  return view;
}

export interface ChangeRequest {
  readonly home: RingHome;
  readonly io: Io;
  readonly before: View;
  readonly change: Change;
  /** What to say when it is asked for. */
  readonly asked: string;
  /** The step that it asks for: what other steps wait for is another matter. */
  readonly about: Step["type"];
  /** Has it come true? The sentence to end with, which may be empty, or undefined. */
  readonly done: (view: View) => string | undefined;
}

/** Asks for the change; then says what it waits for, or stays and tells what happens until it is done. */
export async function ask(asked: ChangeRequest, options: ChangeOptions): Promise<ExitCode> {
  const { wait, dryRun = false, deadline } = options;
  const { home, io, change } = asked;
  await heed(asked, options);
  if (dryRun) return suppose(asked);
  await home.change(change);
  line(io.out, asked.asked);
  if (wait) return waitUntil({ ...asked, ...(deadline && { deadline }) });
  const { view, neglect } = await attendedLook(home, io);
  const sentence = asked.done(view) ?? outlook(view, asked);
  if (sentence !== undefined && sentence !== "") line(io.out, sentence);
  if (neglect !== undefined) warn(io, withClockTimes(neglect, { nowMs: view.nowMs, timeZone: io.timeZone }));
  return exitCodes.done;
}

/** Says who else sets the fields. @throws RuleError `ChangeElsewhere`, after it has printed what to commit there */
async function heed(
  { home, io, change }: ChangeRequest,
  { dryRun = false, force = false }: ChangeOptions,
): Promise<void> {
  const { notes, elsewhere } = (await home.precheck?.(change)) ?? { notes: [] };
  if (!elsewhere || force) {
    for (const text of notes) note(io, text);
    return;
  }
  const { why, manifest } = elsewhere;
  if (dryRun) {
    note(io, why);
    return;
  }
  io.out.write(documentText(manifest, "yaml"));
  throw new RuleError("ChangeElsewhere", why);
}

function suppose({ before, change, io }: ChangeRequest): ExitCode {
  const view = viewOf(withChange(before.seen, change));
  const suppositions = ["as if it had been asked for; nothing was done"];
  for (const text of planText({ view, look: io.out, timeZone: io.timeZone, suppositions })) line(io.out, text);
  return exitCodes.done;
}

function outlook({ decision, nowMs }: View, { about, io }: ChangeRequest): string | undefined {
  const waiting = (text: string): string => `Now waiting: ${withClockTimes(text, { nowMs, timeZone: io.timeZone })}`;
  if (decision.kind === "stalled") return waiting(decision.message);
  const { steps, gates } = decision.plan;
  const due = steps.find((step) => step.type === about);
  if (due) return `Due now: ${newKeyText(describeStep(due))}`;
  const held = gateLine(gates.filter((gate) => gate.step === about));
  return held === undefined ? undefined : waiting(newKeyText(held));
}

export interface Waiting {
  readonly home: RingHome;
  readonly io: Io;
  /** What is told is what happened since then. */
  readonly before: View;
  /** @default the end of {@link Patience} */
  readonly deadline?: AbortSignal;
  /** The step that is to come; absent when any may help. */
  readonly about?: Step["type"];
  readonly done: (view: View) => string | undefined;
}

/** A script that goes on with the status is to find there what it waited for. A directory has none. */
function isReported({ ring, seen }: View): boolean {
  const status = seen.found.claims.find(({ by }) => by === statusClaim);
  return status === undefined || ring === undefined || status.generation >= ring.generation;
}

/** Who still has what a revocation is about. */
function heldUp({ seen, ring }: View, about: Step["type"] | undefined): string | undefined {
  if (about !== "revoke" && about !== "revokeBefore") return undefined;
  const pending = pendingRevocations(seen, ring);
  return pending.length === 0 ? undefined : describePending(pending);
}

/** Tells what happens, and who does not get on, until `done` has something to say. */
export async function waitUntil({ home, io, before, deadline, about, done }: Waiting): Promise<ExitCode> {
  const patience = new Patience({ nowMs: io.nowMs(), ...(about && { about }) });
  const signal = AbortSignal.any([io.interrupted, deadline ?? patience.end]);
  const telling = new Telling(io, before);
  const attendance = new Attendance(home, io);
  const onMissed = ({ message }: TryLaterError): void => {
    if (signal.aborted) return;
    patience.missed(io.nowMs());
    telling.missed(message);
  };
  try {
    for await (const view of follow(home, io, { signal, onMissed })) {
      telling.look(view);
      const sentence = isReported(view) ? done(view) : undefined;
      if (sentence !== undefined) {
        telling.clear();
        line(io.out, sentence);
        return exitCodes.done;
      }
      telling.waiting(view, neglectOf(await attendance.look(view)) ?? heldUp(view, about));
      patience.look(view, io.nowMs());
    }
  } finally {
    telling.clear();
  }
  line(io.err, `keyturn: ${io.interrupted.aborted ? "interrupted" : "timed out"} while waiting: ${telling.unmet}`);
  return io.interrupted.aborted ? exitCodes.failed : exitCodes.timedOut;
}
