import { exitCodes, type ExitCode } from "./exit.ts";
import { follow } from "./follow.ts";
import type { RingHome } from "./home.ts";
import { note } from "./look.ts";
import { documentText, type DocumentFormat } from "./output.ts";
import { happenings } from "./progress.ts";
import { line, type Io } from "./screen.ts";
import { statusDocument, statusReport } from "../ring/status.ts";
import { statusText } from "./status/text.ts";
import { viewOf, type View } from "../ring/view.ts";
import { clockTime, withClockTimes } from "./words.ts";

export interface StatusOptions {
  /** Text for people when absent; `wide` has whole kids and more columns. */
  readonly output?: DocumentFormat | "wide";
  /** Go on until interrupted. */
  readonly watch: boolean;
}

/** Shows a rotation: once, or again and again. */
export async function status(home: RingHome, options: StatusOptions, io: Io): Promise<ExitCode> {
  if (!options.watch) {
    print(viewOf(await home.observe()), { home, options, io });
    return exitCodes.done;
  }
  if (io.out.live && (options.output === undefined || options.output === "wide")) await redraw(home, options, io);
  else await printChanges(home, options, io);
  return exitCodes.done;
}

interface Printing {
  readonly home: RingHome;
  readonly options: StatusOptions;
  readonly io: Io;
}

function print(view: View, { home, options, io }: Printing): void {
  const { output } = options;
  if (output === "json" || output === "yaml") {
    for (const text of home.remarks?.() ?? []) note(io, text);
    io.out.write(documentText(statusDocument(view), output));
  } else for (const text of lines(view, { home, options, io })) line(io.out, text);
}

const lines = (view: View, { home, options, io }: Printing): readonly string[] =>
  statusText({
    ...{ view, where: home.where, remarks: home.remarks?.() ?? [] },
    ...{ look: io.out, timeZone: io.timeZone, wide: options.output === "wide" },
  });

/** The other screen, without cursor and without line breaks of the terminal's own; and back. */
const screen = {
  enter: "\u001b[?1049h\u001b[?25l\u001b[?7l",
  home: "\u001b[H",
  leave: "\u001b[?7h\u001b[?25h\u001b[?1049l",
};
const clear = { restOfLine: "\u001b[K", restOfScreen: "\u001b[J" };

/** Draws over what it drew before, on the other screen; leaves the last picture behind. */
async function redraw(home: RingHome, options: StatusOptions, io: Io): Promise<void> {
  let last: View | undefined;
  io.out.write(screen.enter);
  try {
    for await (const view of follow(home, io, io.interrupted)) {
      last = view;
      // What is below the last line would scroll the first one away
      const text = lines(view, { home, options, io })
        .slice(0, Math.max(1, io.out.rows - 1))
        .map((one) => `${one}${clear.restOfLine}\r\n`)
        .join("");
      io.out.write(`${screen.home}${text}${clear.restOfScreen}`);
    }
  } finally {
    io.out.write(screen.leave);
  }
  if (last) print(last, { home, options, io });
}

/** The status once, and then a line for everything that happens; a document each time for programs. */
async function printChanges(home: RingHome, options: StatusOptions, io: Io): Promise<void> {
  let last: View | undefined;
  for await (const view of follow(home, io, io.interrupted)) {
    const isNew = last === undefined || signature(last) !== signature(view);
    if (isNew && (last === undefined || options.output === "json" || options.output === "yaml")) {
      if (last !== undefined && options.output === "yaml") line(io.out, "---");
      print(view, { home, options, io });
    } else if (isNew) printNews(last, view, io);
    last = view;
  }
}

/** Changes when anything but the time of the look does. */
const signature = (view: View): string => JSON.stringify(statusReport(view));

function printNews(before: View | undefined, after: View, io: Io): void {
  const clock = { nowMs: after.nowMs, timeZone: io.timeZone };
  const at = clockTime(after.nowMs, clock);
  const news = after.ring ? happenings(before?.ring, after.ring).map(({ what, text }) => [what, text] as const) : [];
  const waitingFor = statusReport(after).waitingFor;
  const isSame = before !== undefined && statusReport(before).waitingFor === waitingFor;
  const waiting = waitingFor === undefined || isSame ? [] : [["waiting", withClockTimes(waitingFor, clock)] as const];
  for (const [what, text] of [...news, ...waiting]) line(io.out, `${at}  ${what.padEnd(11)}  ${text}`);
}
