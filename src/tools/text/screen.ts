import { widthOf } from "./cell-width.ts";
import { fitted } from "./line-fit.ts";

/** What text may look like where it goes. */
export interface Appearance {
  /** Width in cells. */
  readonly columns: number;
  /** ANSI escapes may be written. */
  readonly colour: boolean;
  /** More than ASCII may be written. */
  readonly unicode: boolean;
  /** A person watches: what was written may be redrawn, and what is wider than the screen is broken. @default false */
  readonly live?: boolean;
}

/** Where a tool writes. */
export interface Screen extends Appearance {
  readonly live: boolean;
  /** Lines that a person sees at once; Infinity where nobody watches. */
  readonly rows: number;
  write(text: string): void;
}

/** All that a tool needs of its surroundings. Nothing in `tools` asks the process for any of it. */
export interface Io {
  /** The result. */
  readonly out: Screen;
  /** Progress and remarks: what a pipe must not swallow. */
  readonly err: Screen;
  /** IANA name of the zone in which people read instants; machine-readable output is UTC always. */
  readonly timeZone: string;
  /** Fires when the user wants to end (SIGINT, SIGTERM). */
  readonly interrupted: AbortSignal;
  nowMs(): number;
  /** A fresh random id, such as a token's `jti`. */
  randomId(): string;
  /** Resolves after `ms`, or at once when the signal fires; never rejects. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** Meanings that have a colour. */
export type Style =
  "prepared" | "active" | "verifyOnly" | "revoked" | "good" | "busy" | "bad" | "strong" | "faint" | "now";

/** SGR parameters out of the sixteen that every terminal maps to its theme (ECMA-48 §8.3.117). */
const sgr: Readonly<Record<Style, string>> = {
  prepared: "36",
  active: "32",
  verifyOnly: "33",
  revoked: "31",
  good: "32",
  busy: "33",
  bad: "31",
  strong: "1",
  faint: "2",
  now: "1;35",
};

/** The text in the style, where colours may be written. */
export const paint = (look: Pick<Appearance, "colour">, style: Style | readonly Style[], text: string): string => {
  if (!look.colour || text === "") return text;
  const codes = [style].flat().map((one: Style) => sgr[one]);
  return `\u001b[${codes.join(";")}m${text}\u001b[0m`;
};

/** Filled up with spaces on the right. */
export const padded = (text: string, columns: number): string =>
  text + " ".repeat(Math.max(0, columns - widthOf(text)));

/** Our own words for a screen that knows ASCII alone. */
const asciiOnly = (text: string): string =>
  text.replaceAll("…", "..").replaceAll("×", "x").replaceAll("÷", "/").replaceAll("→", "->");

/** Writes the text, which is for people, as a line; as several where somebody watches and it is wider than the screen. */
export const line = (screen: Screen, text = ""): void => {
  for (const one of linesOn(screen, text)) screen.write(`${one}\n`);
};

/** The text as lines of the screen. Where nobody watches it is one: who greps wants it whole. */
export function linesOn(screen: Screen, text: string): readonly string[] {
  const shown = screen.unicode ? text : asciiOnly(text);
  return screen.live ? fitted(shown, screen.columns) : [shown];
}
