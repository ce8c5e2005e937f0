import type { Record as Story } from "./record.ts";

/** Where things stand on the sheet, in its own units. */
export const layout = {
  width: 1120,
  margin: 24,
  /** Left of it are names, right of it is time. */
  plot: 150,
  top: 72,
  /** Height of the two lines of step numbers. */
  marks: 54,
  row: 18,
  bar: 12,
  gap: 42,
  replica: 32,
  axis: 34,
} as const;

/** The place of an instant. */
export type Scale = (atMs: number) => number;

export function scaleOf({ startedAtMs, endedAtMs }: Pick<Story, "startedAtMs" | "endedAtMs">): Scale {
  const perMs = (layout.width - layout.plot - layout.margin) / (endedAtMs - startedAtMs);
  return (atMs) => Math.round((layout.plot + (atMs - startedAtMs) * perMs) * 10) / 10;
}

interface Words {
  readonly x: number;
  readonly y: number;
  readonly words: string;
  /** Classes of {@link styles}. */
  readonly look: string;
}

export const text = ({ x, y, words, look }: Words): string =>
  `<text class="${look}" x="${x}" y="${y}">${escaped(words)}</text>`;

export const escaped = (words: string): string =>
  words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const light = {
  sheet: "#ffffff",
  edge: "#d0d7de",
  ink: "#1f2328",
  quiet: "#59636e",
  prepared: "#e3b341",
  active: "#2da44e",
  verify: "#80b6f5",
  even: "#8250df",
  odd: "#bc8cff",
  bad: "#cf222e",
};

const dark: typeof light = {
  sheet: "#0d1117",
  edge: "#3d444d",
  ink: "#f0f6fc",
  quiet: "#9198a1",
  prepared: "#d29922",
  active: "#3fb950",
  verify: "#1f6feb",
  even: "#8957e5",
  odd: "#bc8cff",
  bad: "#ff7b72",
};

/** By class and not by variable: what renders SVG without being a browser often knows no variables. */
const inks = (c: typeof light): string =>
  [
    `text{fill:${c.ink}}.quiet,.code{fill:${c.quiet}}text.bad{fill:${c.bad}}.on{fill:#fff}.odd+.on{fill:#1f2328}`,
    `.sheet{fill:${c.sheet};stroke:${c.edge}}.prepared{fill:${c.prepared}}.active{fill:${c.active}}`,
    `.verify-only{fill:${c.verify}}.even{fill:${c.even}}.odd{fill:${c.odd}}.tick{stroke:${c.quiet}}`,
    `.cross{stroke:${c.bad}}.line{stroke:${c.edge}}.dot{fill:${c.ink}}.number{fill:${c.sheet}}`,
  ].join("");

/** Light and dark as the reader has it. */
export const styles = [
  "text{font:12px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}",
  ".head{font-size:15px;font-weight:600}.middle{text-anchor:middle}.number{font-size:10px;font-weight:600}",
  ".code,.on{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}",
  ".tick,.cross,.line{fill:none}.cross{stroke-width:2}.line{stroke-dasharray:3 3}",
  inks(light),
  `@media(prefers-color-scheme:dark){${inks(dark)}}`,
].join("\n");
