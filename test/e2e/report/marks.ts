import type { Record as Story } from "./record.ts";
import { layout, type Scale, text } from "./sheet.ts";

interface Plot {
  readonly top: number;
  readonly bottom: number;
}

const lines = 3;
const lineHeight = 17;
const width = 20;

/** A numbered mark where each step begins, on the first of three lines that has room, and a line down through the plot. */
export function markers({ steps }: Pick<Story, "steps">, scale: Scale, { top, bottom }: Plot): readonly string[] {
  const occupied = Array.from({ length: lines }, () => Number.NEGATIVE_INFINITY);
  return steps.map(({ startedAtMs }, index) => {
    const x = scale(startedAtMs);
    const free = occupied.findIndex((end) => end <= x);
    const line = free === -1 ? lines - 1 : free;
    occupied[line] = x + width;
    const y = top + line * lineHeight;
    return [
      `<path class="line" d="M${x} ${y}V${bottom}"/>`,
      `<circle class="dot" cx="${x}" cy="${y}" r="8"/>`,
      text({ x, y: y + 3.5, words: String(index + 1), look: "number middle" }),
    ].join("");
  });
}

const columns = 2;

/** What the numbers mean; where the sheet ends below them. */
export function legendOf({ steps }: Pick<Story, "steps">, top: number): { lines: readonly string[]; bottom: number } {
  const rows = Math.ceil(steps.length / columns);
  const column = (layout.width - 2 * layout.margin) / columns;
  const legend = steps.map(({ name }, index) => {
    const x = layout.margin + Math.floor(index / rows) * column;
    const y = top + (index % rows) * 19 + 10;
    return [
      `<circle class="dot" cx="${x + 8}" cy="${y - 4}" r="8"/>`,
      text({ x: x + 8, y: y - 0.5, words: String(index + 1), look: "number middle" }),
      text({ x: x + 24, y, words: name, look: "quiet" }),
    ].join("");
  });
  return { lines: legend, bottom: top + rows * 19 + 12 };
}
