import type { WriteStream } from "node:tty";
import type { Screen } from "../tools/text/screen.ts";

/** The environment of the process. */
export type Env = Readonly<Record<string, string | undefined>>;
type Stream = Pick<WriteStream, "write"> & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Width where there is no terminal to ask, and the bounds of what is drawn. */
const usual = 100;
const least = 20;
const most = 200;

/**
 * What a stream can show. NO_COLOR (https://no-color.org) and TERM=dumb take colours away, FORCE_COLOR gives them to a
 * pipe; without a terminal it is plain ASCII.
 */
export function screenOf(stream: Stream, env: Env): Screen {
  const isTerminal = stream.isTTY === true;
  const isDumb = env["TERM"] === "dumb";
  const forced = env["FORCE_COLOR"];
  const isForced = forced !== undefined && forced !== "0" && forced !== "false";
  const isRefused = isSet(env["NO_COLOR"]) || forced === "0" || forced === "false" || isDumb;
  const columns = Number(env["COLUMNS"] ?? stream.columns ?? usual);
  return {
    colour: isForced || (isTerminal && !isRefused),
    unicode: (isTerminal || isForced) && !isDumb && speaksUtf8(env),
    get columns() {
      const width = stream.columns ?? columns;
      return Math.min(most, Math.max(least, Number.isFinite(width) ? width : usual));
    },
    live: isTerminal && !isDumb,
    get rows() {
      return stream.rows ?? Infinity;
    },
    write: (text) => void stream.write(text),
  };
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== "";

/** A locale that says nothing is taken for UTF-8: containers rarely set one. */
function speaksUtf8(env: Env): boolean {
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find(isSet) ?? "";
  return locale === "" || /utf-?8/i.test(locale) || /^C\.utf/i.test(locale);
}
