import { TryLaterError } from "../../errors/keyturn-error.ts";
import { rotationName } from "../../ring/ring.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import { note } from "../first-look.ts";
import { isForPrograms, type ObjectFormat, objectText } from "../text/object-output.ts";
import { OtherScreen } from "../text/other-screen.ts";
import { line, type Io } from "../text/screen.ts";
import { type ManyRotations, type Overview, overviewTable } from "./overview.ts";

/** Times move on although nothing happens; and a cluster in which much happens is not asked for all of it. */
const onceInMs = 1000;

/** Shows several rotations until interrupted: on a terminal redrawn, else a line for each that changes, a document for programs. */
export async function watchOverview(
  many: ManyRotations,
  output: ObjectFormat | "wide" | undefined,
  io: Io,
): Promise<ExitCode> {
  if (io.out.live && !isForPrograms(output)) await redraw(many, output === "wide", io);
  else await printRows(many, output, io);
  return exitCodes.done;
}

async function redraw(many: ManyRotations, wide: boolean, io: Io): Promise<void> {
  const other = new OtherScreen(io.out);
  let shown: readonly string[] = [];
  try {
    for await (const seen of looks(many, io)) {
      shown = seen.rotations.length === 0 ? [`No JwtKeyRotation ${seen.where}`] : overviewTable(seen, wide, io);
      other.draw(shown);
    }
  } finally {
    other.leave();
  }
  for (const text of shown) line(io.out, text);
}

async function printRows(many: ManyRotations, output: ObjectFormat | "wide" | undefined, io: Io): Promise<void> {
  let before: ReadonlyMap<string, string> | undefined;
  for await (const seen of looks(many, io)) {
    const now = new Map(seen.rotations.map((one) => [rotationName(one), JSON.stringify(one)]));
    const rotations = seen.rotations.filter((one) => before?.get(rotationName(one)) !== now.get(rotationName(one)));
    print({ ...seen, rotations }, { output, io, isFirst: before === undefined });
    for (const name of before?.keys() ?? []) if (!now.has(name)) note(io, `${name} is gone`);
    before = now;
  }
}

interface RowPrinting {
  readonly output: ObjectFormat | "wide" | undefined;
  readonly io: Io;
  /** With the heads; and that there is none is said once. */
  readonly isFirst: boolean;
}

function print(changed: Overview, { output, io, isFirst }: RowPrinting): void {
  const { rotations, where } = changed;
  if (rotations.length === 0) {
    if (isFirst) line(io.err, `No JwtKeyRotation ${where}`);
  } else if (!isForPrograms(output)) {
    const rows = overviewTable(changed, output === "wide", io).slice(isFirst ? 0 : 1);
    for (const text of rows) line(io.out, text);
  } else {
    const texts = rotations.map((one) => objectText(one.document, output));
    io.out.write(texts.map((text) => (output === "yaml" ? `---\n${text}` : text)).join(""));
  }
}

/** A look now, after each change, and the last one again as of now each second; what can't be had now is tried again. */
async function* looks(many: ManyRotations, io: Io): AsyncGenerator<Overview, void> {
  const signal = io.interrupted;
  let isOld = true;
  const changes = many.changes(signal)[Symbol.asyncIterator]();
  const following = (async () => {
    while ((await changes.next()).done !== true) isOld = true;
  })();
  let last: { readonly seen: Overview; readonly atMs: number } | undefined;
  while (!signal.aborted) {
    if (isOld) {
      isOld = false;
      const seen = await looked(many);
      if (seen === undefined) isOld = true;
      else last = { seen, atMs: io.nowMs() };
    }
    if (last !== undefined) yield { ...last.seen, nowMs: last.seen.nowMs + io.nowMs() - last.atMs };
    await io.pause(onceInMs, signal);
  }
  await following;
}

async function looked(many: ManyRotations): Promise<Overview | undefined> {
  try {
    return await many.look();
  } catch (error) {
    if (error instanceof TryLaterError) return undefined;
    throw error;
  }
}
