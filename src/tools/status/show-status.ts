import { Attendance, attendedLook, withNeglect, type AttendedLook } from "../follow/attendance.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import { follow } from "../follow/follow.ts";
import type { RingHome } from "../../keeper/home.ts";
import { note, warn } from "../first-look.ts";
import { isForPrograms, type ObjectFormat, objectText } from "../text/object-output.ts";
import { eventsBetween } from "../follow/progress.ts";
import { OtherScreen } from "../text/other-screen.ts";
import { line, type Io } from "../text/screen.ts";
import { statusDocument, statusReport } from "../../ring/status.ts";
import { statusText } from "./status-text.ts";
import { clockTime, withClockTimes } from "../text/words.ts";

export interface StatusOptions {
  /** Text for people when absent; `wide` has whole kids and more columns. */
  readonly output?: ObjectFormat | "wide";
  /** Go on until interrupted. */
  readonly watch: boolean;
}

/** Shows a rotation: once, or again and again. */
export async function status(home: RingHome, options: StatusOptions, io: Io): Promise<ExitCode> {
  if (!options.watch) {
    print(await attendedLook(home, io), { home, options, io });
    return exitCodes.done;
  }
  if (io.out.live && !isForPrograms(options.output)) await redraw(home, options, io);
  else await printChanges(home, options, io);
  return exitCodes.done;
}

interface Printing {
  readonly home: RingHome;
  readonly options: StatusOptions;
  readonly io: Io;
}

function print(look: AttendedLook, { home, options, io }: Printing): void {
  const { output } = options;
  if (isForPrograms(output)) {
    for (const text of home.remarks?.() ?? []) note(io, text);
    if (look.neglect !== undefined) warn(io, look.neglect);
    io.out.write(objectText(statusDocument(look.view), output));
  } else for (const text of lines(look, { home, options, io })) line(io.out, text);
}

const lines = (look: AttendedLook, { home, options, io }: Printing): readonly string[] =>
  statusText({
    ...{ ...look, where: home.where, remarks: home.remarks?.() ?? [] },
    ...{ look: io.out, timeZone: io.timeZone, wide: options.output === "wide" },
  });

/** Draws over what it drew before, on the other screen; leaves the last picture behind. */
async function redraw(home: RingHome, options: StatusOptions, io: Io): Promise<void> {
  const attendance = new Attendance(home, io);
  let last: AttendedLook | undefined;
  const other = new OtherScreen(io.out);
  try {
    for await (const view of follow(home, io, { signal: io.interrupted })) {
      last = withNeglect(view, await attendance.look(view));
      other.draw(lines(last, { home, options, io }));
    }
  } finally {
    other.leave();
  }
  if (last) print(last, { home, options, io });
}

/** The status once, and then a line for everything that happens; a document each time for programs. */
async function printChanges(home: RingHome, options: StatusOptions, io: Io): Promise<void> {
  const attendance = new Attendance(home, io);
  let last: AttendedLook | undefined;
  for await (const view of follow(home, io, { signal: io.interrupted })) {
    const next = withNeglect(view, await attendance.look(view));
    const isNew = last === undefined || signature(last) !== signature(next);
    if (isNew && (last === undefined || isForPrograms(options.output))) {
      if (last !== undefined && options.output === "yaml") line(io.out, "---");
      print(next, { home, options, io });
    } else if (isNew) printNews(last, next, io);
    last = next;
  }
}

/** Changes when anything but the time of the look does. */
const signature = ({ view, neglect }: AttendedLook): string => JSON.stringify([statusReport(view), neglect]);

function printNews(last: AttendedLook | undefined, { view: after, neglect }: AttendedLook, io: Io): void {
  const before = last?.view;
  const clock = { nowMs: after.nowMs, timeZone: io.timeZone };
  const at = clockTime(after.nowMs, clock);
  const news = after.ring ? eventsBetween(before?.ring, after.ring).map(({ what, text }) => [what, text] as const) : [];
  const waitingFor = neglect ?? statusReport(after).waitingFor;
  const isSame = last !== undefined && (last.neglect ?? statusReport(last.view).waitingFor) === waitingFor;
  const waiting = waitingFor === undefined || isSame ? [] : [["waiting", withClockTimes(waitingFor, clock)] as const];
  for (const [what, text] of [...news, ...waiting]) line(io.out, `${at}  ${what.padEnd(11)}  ${text}`);
}
