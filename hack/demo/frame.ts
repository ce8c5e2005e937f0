import { widthOf } from "../../src/tools/text/cell-width.ts";
import { padded, paint, type Appearance, type Style } from "../../src/tools/text/screen.ts";
import { shortened } from "../../src/tools/text/line-fit.ts";
import { leastColumns, renderTimeline } from "../../src/tools/timeline/render-timeline.ts";
import { holds } from "../../src/ring/view.ts";
import { nextRotation } from "../../src/ring/next-rotation.ts";
import { clockTime, distance, withClockTimes } from "../../src/tools/text/words.ts";
import type { News, Scene } from "./scene.ts";
import { demo } from "./times.ts";
import type { Verdict } from "./tokens.ts";

export interface FrameInput {
  readonly scene: Scene;
  readonly verdict: Verdict;
  /** Verifications in the last second. */
  readonly perSecond: number;
  readonly folder: string;
  readonly look: Appearance;
  readonly rows: number;
  readonly nowMs: number;
  readonly timeZone: string;
}

/** Cells left of the bars, about: what is right of them is time. */
const gutter = 25;
/** Time on a cell, as long as there are few: a rotation is some fifteen cells then. */
const msPerCell = 650;
/** More is not worth seeing. */
const longestMs = 60_000;
/** Share of the picture in which lies what was. */
const pastShare = 0.58;

/** One picture of the demo, as many lines as the terminal has rows at the most. Pure. */
export function frame(input: FrameInput): readonly string[] {
  const { look, rows } = input;
  const head = [headline(input), ""];
  const counts = ["", ...countLines(input), ""];
  const foot = ["", footer(input)];
  const room = rows - head.length - counts.length - foot.length;
  const leastNews = rows < 30 ? 2 : 5;
  const picture = pictureOf(input, room - leastNews);
  const news = newsLines(input, room - picture.length);
  const filling = Array.from({ length: Math.max(0, room - picture.length - news.length) }, () => "");
  const body = [...head, ...picture, ...counts, ...news, ...filling].slice(0, Math.max(0, rows - foot.length));
  return [...body, ...foot].map((text) => shortened(text, look.columns, look.unicode));
}

function headline({ look, folder, scene, nowMs }: FrameInput): string {
  const left = ` ${paint(look, "strong", "keyturn")}  a rotation every ${demo.intervalSeconds} s`;
  const right = `${folder}  ${clockOf(nowMs - scene.startedAtMs)} `;
  const gap = look.columns - widthOf(left) - right.length;
  return gap < 2 ? left : left + " ".repeat(gap) + paint(look, "faint", right);
}

/** `1:05`. */
const clockOf = (ms: number): string =>
  `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

/** The window stands still until now has come as far right as it goes, then it glides. */
function pictureOf({ scene, look, nowMs, timeZone }: FrameInput, mostLines: number): readonly string[] {
  const { view, history, startedAtMs } = scene;
  if (!view?.ring) return [" the first key is being made …"];
  if (look.columns < leastColumns) return [];
  const widthMs = Math.min(longestMs, (look.columns - gutter) * msPerCell);
  const fromMs = Math.max(startedAtMs, nowMs - widthMs * pastShare);
  const { ring, forecast } = view;
  const draw = (mostRows: number): readonly string[] =>
    renderTimeline({
      ...{ ring, forecast, history, nowMs, timeZone, mostRows },
      ...{ columns: look.columns, colour: look.colour, unicode: look.unicode },
      ...{ fromMs, untilMs: fromMs + widthMs },
    });
  const lines = draw(20);
  const over = lines.length - mostLines;
  return over <= 0 ? lines : draw(Math.max(3, 20 - over));
}

const count = (n: number): string => n.toLocaleString("en-US");

function countLines({ verdict, perSecond, look }: FrameInput): readonly string[] {
  const { verified, refused, revoked, early } = verdict;
  const style: readonly Style[] = ["strong", refused === 0 ? "good" : "bad"];
  const mark = refused === 0 ? (look.unicode ? "●" : "+") : look.unicode ? "✕" : "X";
  const tokens = paint(look, style, `${mark} ${count(verified)} verified, ${count(refused)} refused`);
  const by = [", by jose in a process of its own, from the JWKS alone", ", by jose, from the JWKS alone", ""]
    .map((text) => `${count(perSecond)} a second${text}`)
    .find((text) => widthOf(tokens) + text.length + 5 <= look.columns);
  const others = [
    ...(revoked > 0 ? [`${count(revoked)} of revoked keys refused, as they should be`] : []),
    ...(early > 0 ? [`${count(early)} too early for the client's JWKS, the price of revoking a signer`] : []),
  ];
  return [
    ` ${tokens}   ${paint(look, "faint", by ?? "")}`,
    ...others.map((text) => `   ${paint(look, "revoked", text)}`),
  ];
}

/** The newest ones that find room, oldest first. */
function newsLines({ scene, look, nowMs, timeZone }: FrameInput, room: number): readonly string[] {
  const clock = { nowMs, timeZone };
  return scene.news.slice(Math.max(0, scene.news.length - Math.max(0, room))).map(({ atMs, what, text }) => {
    const at = paint(look, "faint", clockTime(atMs, clock));
    const style = newsStyles[what] ?? "faint";
    const said = withClockTimes(text, clock);
    if (look.columns < 100) return ` ${at}  ${paint(look, style, said)}`;
    return ` ${at}  ${paint(look, style, padded(what, 11))}  ${said}`;
  });
}

const newsStyles: Readonly<Partial<Record<News["what"], Style>>> = {
  you: "strong",
  active: "active",
  prepared: "prepared",
  published: "prepared",
  "verify-only": "verifyOnly",
  revoked: "revoked",
};

function footer({ scene: { view }, look, nowMs }: FrameInput): string {
  const isPinned = view !== undefined && holds(view, "Pinned");
  const keys = [
    ["r", isPinned ? "rotate, and unpin" : "rotate", "rotate"],
    ["b", "roll back", "back"],
    ["x", "revoke the signer", "revoke"],
    ["q", "end", "end"],
  ] as const;
  const [long, short, bare] = [
    keys.map(([key, what]) => `${paint(look, "strong", key)} ${what}`).join("   "),
    keys.map(([key, , what]) => `${paint(look, "strong", key)} ${what}`).join("  "),
    keys.map(([key]) => paint(look, "strong", key)).join(" "),
  ];
  const left = ` ${[long, short].find((text) => widthOf(text) < look.columns) ?? bare}`;
  const nextMs = view && nextRotation(view).atMs;
  const next = isPinned
    ? "pinned: nothing rotates"
    : nextMs === undefined
      ? ""
      : `next rotation ${distance(nextMs, nowMs)}`;
  const gap = look.columns - widthOf(left) - next.length - 1;
  return gap < 2 ? left : `${left}${" ".repeat(gap)}${paint(look, "faint", next)}`;
}
