import { setImmediate } from "node:timers/promises";
import type { Io, Appearance, Screen } from "../../../src/tools/text/screen.ts";
import { epoch } from "../../support/story.ts";
import type { StoryHome } from "./story-home.ts";

/** Plain text, as a pipe gets it. */
export const pipe: Appearance = { columns: 100, colour: false, unicode: false };
export const terminal: Appearance = { columns: 100, colour: true, unicode: true };

class FakeScreen implements Screen {
  readonly columns: number;
  readonly colour: boolean;
  readonly unicode: boolean;
  readonly live: boolean;
  rows = Infinity;
  text = "";

  constructor({ columns, colour, unicode }: Appearance, live: boolean) {
    this.columns = columns;
    this.colour = colour;
    this.unicode = unicode;
    this.live = live;
  }

  write(text: string): void {
    this.text += text;
  }
}

export interface FakeIoOptions {
  readonly look?: Appearance;
  readonly live?: boolean;
  readonly timeZone?: string;
  /** While a tool pauses, time passes here. */
  readonly home?: StoryHome;
}

/** Surroundings without a process: writes into memory, and a pause is over at once. */
export class FakeIo implements Io {
  readonly out: FakeScreen;
  readonly err: FakeScreen;
  readonly timeZone: string;
  readonly #interruption = new AbortController();
  readonly #home: StoryHome | undefined;
  readonly #deadlines: { readonly atMs: number; readonly controller: AbortController }[] = [];

  constructor({ look = pipe, live = false, timeZone = "UTC", home }: FakeIoOptions = {}) {
    this.out = new FakeScreen(look, live);
    this.err = new FakeScreen(look, live);
    this.timeZone = timeZone;
    this.#home = home;
  }

  get interrupted(): AbortSignal {
    return this.#interruption.signal;
  }

  interrupt(): void {
    this.#interruption.abort();
  }

  /** Fires when that much of the story's time has passed. */
  deadlineIn(ms: number): AbortSignal {
    const controller = new AbortController();
    this.#deadlines.push({ atMs: this.nowMs() + ms, controller });
    return controller.signal;
  }

  /** Interrupts when that much of the story's time has passed. */
  interruptIn(ms: number): this {
    this.#deadlines.push({ atMs: this.nowMs() + ms, controller: this.#interruption });
    return this;
  }

  nowMs(): number {
    return this.#home?.nowMs ?? epoch;
  }

  randomId(): string {
    return "00000000-0000-4000-8000-000000000001";
  }

  async pause(ms: number, signal: AbortSignal): Promise<void> {
    // Real timers and signals must get their turn
    await setImmediate();
    if (signal.aborted) return;
    this.#home?.run(ms);
    for (const { atMs, controller } of this.#deadlines) if (this.nowMs() >= atMs) controller.abort();
  }

  /** What was written for people to read, without what went to the other screen. */
  get lines(): readonly string[] {
    return this.out.text.split("\n").slice(0, -1);
  }

  get progress(): readonly string[] {
    return this.err.text.split("\n").slice(0, -1);
  }
}
