import { type KeyBar, keyBars, signings, turnOf } from "./bars.ts";
import { legendOf, markers } from "./marks.ts";
import type { Record as Story, Replica } from "./record.ts";
import { escaped, layout, scaleOf, type Scale, styles, text } from "./sheet.ts";

/** The story as one picture: keys as bars by state, steps as marks, replicas by the key that they sign with. */
export function pictureOf(story: Story, headline: string): string {
  const scale = scaleOf(story);
  const bars = keyBars(story);
  const keysTop = layout.top + layout.marks;
  const replicasTop = keysTop + bars.length * layout.row + layout.gap;
  const bottom = replicasTop + story.replicas.length * layout.replica;
  const legend = legendOf(story, bottom + layout.axis);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${layout.width} ${legend.bottom}" role="img">`,
    "<!-- Made by test/e2e from a real run: do not edit -->",
    `<title>${escaped(headline)}</title>`,
    `<style>${styles}</style>`,
    `<rect class="sheet" x=".5" y=".5" width="${layout.width - 1}" height="${legend.bottom - 1}" rx="8"/>`,
    text({ x: layout.margin, y: 30, words: headline, look: "head" }),
    ...states(),
    ...markers(story, scale, { top: layout.top, bottom }),
    ...bars.map((bar, index) => keyRow(bar, keysTop + index * layout.row, scale)),
    text({
      x: layout.margin,
      y: replicasTop - 10,
      words: "replicas: the key that each signs with, and a tick for each ring that it acknowledged",
      look: "quiet",
    }),
    ...story.replicas.map((replica, index) =>
      replicaRow({ replica, y: replicasTop + index * layout.replica, scale, story }),
    ),
    ...axis(story, scale, bottom),
    ...legend.lines,
    "</svg>\n",
  ].join("\n");
}

const stateWords = [
  ["prepared", "prepared: verified, signs not yet"],
  ["active", "active: signs"],
  ["verify-only", "verify-only: its tokens are still good"],
] as const;

function states(): readonly string[] {
  return stateWords.flatMap(([state, words], index) => {
    const x = layout.margin + index * 250;
    return [
      `<rect class="${state}" x="${x}" y="44" width="22" height="10" rx="2"/>`,
      text({ x: x + 29, y: 53, words, look: "quiet" }),
    ];
  });
}

const short = (kid: string): string => kid.slice(0, 6);

function keyRow({ kid, algorithm, segments, revokedAtMs }: KeyBar, y: number, scale: Scale): string {
  const rects = segments.map(({ state, fromMs, toMs }) => {
    const [x, end] = [scale(fromMs), scale(toMs)];
    return `<rect class="${state}" x="${x}" y="${y}" width="${round(end - x)}" height="${layout.bar}"/>`;
  });
  const label = text({ x: layout.margin, y: y + 10, words: `${short(kid)} ${algorithm}`, look: "code" });
  const revoked = revokedAtMs === undefined ? "" : cross(scale(revokedAtMs), y + layout.bar / 2);
  return [label, ...rects, revoked].join("");
}

const cross = (x: number, y: number): string =>
  `<path class="cross" d="M${x - 4} ${y - 4}l8 8m0 -8l-8 8"/>${text({ x: x + 10, y: y + 4, words: "revoked", look: "bad" })}`;

interface ReplicaRow {
  readonly replica: Replica;
  readonly y: number;
  readonly scale: Scale;
  readonly story: Story;
}

/** Neighbouring keys in two shades; a tick for each ring that it acknowledged. */
function replicaRow({ replica, y, scale, story }: ReplicaRow): string {
  const bars = signings(replica, story.endedAtMs).map((signing) => {
    const { kid, fromMs, toMs } = signing;
    const [x, width] = [scale(fromMs), round(scale(toMs) - scale(fromMs))];
    const shade = turnOf(signing, story.rings) % 2 === 0 ? "even" : "odd";
    const name = width > 46 ? text({ x: x + 5, y: y + 13, words: short(kid), look: "on" }) : "";
    return `<rect class="${shade}" x="${x}" y="${y + 1}" width="${width}" height="16"/>${name}`;
  });
  const ticks = replica.acks
    .filter(({ generation }) => generation > 0)
    .map(({ atMs }) => `M${scale(atMs)} ${y + 19}v5`)
    .join("");
  const name = text({ x: layout.margin, y: y + 13, words: replica.pod.split("-").at(-1) ?? "", look: "code" });
  const gone = replica.goneAtMs === undefined ? "" : `<path class="tick" d="M${scale(replica.goneAtMs)} ${y - 1}v20"/>`;
  return [name, ...bars, `<path class="tick" d="${ticks}"/>`, gone].join("");
}

const everySeconds = 30;

function axis({ startedAtMs, endedAtMs }: Story, scale: Scale, y: number): readonly string[] {
  const marks = Math.floor((endedAtMs - startedAtMs) / 1000 / everySeconds) + 1;
  return Array.from({ length: marks }, (_, index) => {
    const seconds = index * everySeconds;
    const x = scale(startedAtMs + seconds * 1000);
    const words = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    return `<path class="tick" d="M${x} ${y}v4"/>${text({ x, y: y + 16, words, look: "quiet middle" })}`;
  });
}

const round = (value: number): number => Math.round(value * 10) / 10;
