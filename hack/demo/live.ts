import type { ReadStream, WriteStream } from "node:tty";
import type { Io } from "../../src/tools/text/screen.ts";
import { act, keys } from "./actions.ts";
import { frame } from "./frame.ts";
import type { Scene } from "./scene.ts";
import type { Stage } from "./stage.ts";

export interface Performance {
  readonly stage: Stage;
  readonly scene: Scene;
  readonly io: Io;
  readonly input: ReadStream;
  readonly output: WriteStream;
}

const csi = "\u001b[";
/** The alternate screen: what was there before comes back at the end. No cursor, no line wrap. */
const enter = `${csi}?1049h${csi}?25l${csi}?7l`;
const leave = `${csi}?7h${csi}?25h${csi}?1049l`;
/** A terminal that knows these shows the whole picture at once, others ignore them. */
const atOnce = (text: string): string => `${csi}?2026h${text}${csi}?2026l`;

const msBetweenFrames = 150;
const ctrlC = "\u0003";

/** Draws until `q`, Ctrl-C or the signal. The terminal is itself again when this resolves, and when it throws. */
export async function perform(performance: Performance): Promise<void> {
  const { stage, scene, io, output } = performance;
  const ended = new AbortController();
  const signal = AbortSignal.any([io.interrupted, ended.signal]);
  const pace = new Pace();
  const draw = (): void => {
    const perSecond = pace.at(stage.tokens.verified, io.nowMs());
    output.write(atOnce(picture(performance, perSecond)));
  };
  const restore = takeTerminal(performance, { draw, end: () => ended.abort() });
  const timer = setInterval(draw, msBetweenFrames);
  try {
    await Promise.race([scene.follow(io, signal, draw), stage.broken]);
  } finally {
    ended.abort();
    clearInterval(timer);
    restore();
  }
}

interface Hands {
  readonly draw: () => void;
  readonly end: () => void;
}

/** @returns what gives the terminal back; it happens, too, whatever else ends the process */
function takeTerminal(performance: Performance, { draw, end }: Hands): () => void {
  const { input, output } = performance;
  const pressed = (text: string): void => {
    if (text === "q" || text === ctrlC) end();
    const action = keys[text];
    if (action) void act(action, performance).then(draw);
  };
  const restore = (): void => {
    input.off("data", pressed).setRawMode(false).pause();
    output.off("resize", draw).write(leave);
    process.off("exit", restore);
  };
  process.on("exit", restore);
  output.on("resize", draw).write(enter);
  input.setRawMode(true).setEncoding("utf8").on("data", pressed).resume();
  return restore;
}

/** Every line is written over the one before it, then cleared to its end: nothing is blank in between. */
function picture({ stage, scene, io, output }: Performance, perSecond: number): string {
  const nowMs = io.nowMs();
  const lines = frame({
    ...{ scene, perSecond, nowMs, look: io.out, timeZone: io.timeZone },
    folder: stage.folder,
    verdict: stage.tokens.verdict(nowMs),
    rows: output.rows,
  });
  return `${csi}H${lines.slice(0, output.rows).join(`${csi}K\r\n`)}${csi}K${csi}J`;
}

/** How fast a number grows, over the last two seconds. */
class Pace {
  #seen: readonly { readonly atMs: number; readonly value: number }[] = [];

  at(value: number, atMs: number): number {
    this.#seen = [...this.#seen.filter((seen) => seen.atMs > atMs - 2000), { atMs, value }];
    const [first] = this.#seen;
    if (!first || first.atMs === atMs) return 0;
    return Math.round(((value - first.value) * 1000) / (atMs - first.atMs));
  }
}
