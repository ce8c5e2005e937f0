import { viewOf, type View } from "../ring/view.ts";
import type { RingHome } from "../keeper/home.ts";
import { line, paint, type Io } from "./text/screen.ts";

/** A line that is no result: it must not get lost in a pipe, and nobody parses it. */
export const note = ({ err }: Pick<Io, "err">, text: string): void => line(err, `keyturn: note: ${text}`);

/** A line that must not be missed: what was asked for does not come true as things are. */
export const warn = ({ err }: Pick<Io, "err">, text: string): void =>
  line(err, `keyturn: ${paint(err, ["strong", "bad"], "warning:")} ${text}`);

/** The first look of a tool: tells what has to be known of it. */
export async function firstLook(home: RingHome, io: Pick<Io, "err">): Promise<View> {
  const view = viewOf(await home.observe());
  for (const text of home.remarks?.() ?? []) note(io, text);
  const { refused } = view.seen;
  if (refused) warn(io, `what is written down is not in force: ${refused.message}`);
  return view;
}
