import type { Key } from "../../ring/key.ts";
import { paint, type Appearance, type Style } from "../text/screen.ts";
import type { Scale } from "./scale.ts";
import type { Tick } from "./ticks.ts";

/** What everything in the picture is drawn on. */
export interface Canvas {
  readonly look: Appearance;
  readonly scale: Scale;
  readonly nowMs: number;
  readonly ticks: readonly Tick[];
}

/** One character of the picture. */
export interface Cell {
  readonly text: string;
  readonly style?: Style | readonly Style[];
}

/** What things look like. */
export interface Glyphs {
  /** What was. */
  readonly past: Readonly<Record<Key["state"], string>>;
  /** What will be. */
  readonly future: Readonly<Record<Key["state"], string>>;
  readonly published: string;
  readonly revoked: string;
  readonly now: string;
  readonly flag: string;
  readonly fold: string;
  readonly grid: string;
  readonly axis: string;
  readonly tick: string;
}

const unicodeGlyphs: Glyphs = {
  past: { prepared: "░", active: "█", "verify-only": "▒" },
  future: { prepared: "┄", active: "━", "verify-only": "─" },
  published: "◆",
  revoked: "✕",
  now: "┃",
  flag: "▼",
  fold: "╱",
  grid: "·",
  axis: "─",
  tick: "┴",
};

const asciiGlyphs: Glyphs = {
  past: { prepared: ":", active: "#", "verify-only": "=" },
  future: { prepared: ".", active: "+", "verify-only": "-" },
  published: "o",
  revoked: "X",
  now: "|",
  flag: "v",
  fold: "/",
  grid: " ",
  axis: "-",
  tick: "+",
};

export const glyphsOf = (look: Appearance): Glyphs => (look.unicode ? unicodeGlyphs : asciiGlyphs);

export const blankRow = (scale: Scale): Cell[] => Array.from({ length: scale.columns }, () => ({ text: " " }));

/** Neighbours of one style share their escapes. */
export function written(cells: readonly Cell[], look: Appearance): string {
  const runs: { text: string; readonly style: Cell["style"] }[] = [];
  for (const { text, style } of cells) {
    const last = runs.at(-1);
    if (last && String(last.style) === String(style)) last.text += text;
    else runs.push({ text, style });
  }
  return runs.map(({ text, style }) => (style === undefined ? text : paint(look, style, text))).join("");
}
