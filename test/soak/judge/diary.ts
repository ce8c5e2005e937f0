import { clock } from "./clock.ts";

interface Entry {
  readonly name: string;
  readonly beganAtMs: number;
  endedAtMs: number | undefined;
}

/** A trouble is told with what came in the time before: what it has done may show later. */
const rememberedMs = 60_000;

/** When which trouble was on. */
export class Diary {
  readonly counts = new Map<string, number>();
  #entries: Entry[] = [];
  #notes: { readonly atMs: number; readonly text: string }[] = [];

  /** @returns what notes its end */
  began(name: string): () => void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    const entry: Entry = { name, beganAtMs: Date.now(), endedAtMs: undefined };
    this.#entries.push(entry);
    return () => {
      entry.endedAtMs = Date.now();
    };
  }

  /** Something that a person should know who reads a story: what was killed, what was asked for. */
  note(text: string): void {
    this.#notes = [...this.#notes.slice(-200), { atMs: Date.now(), text }];
  }

  /** The troubles of that time, a line each. */
  around(atMs: number): string {
    const isNear = (endedAtMs = Infinity): boolean => endedAtMs > atMs - rememberedMs;
    this.#entries = this.#entries.filter(({ endedAtMs }) => isNear(endedAtMs));
    const troubles = this.#entries.map(({ name, beganAtMs, endedAtMs }) => {
      const until = endedAtMs === undefined ? "still on" : `until ${clock(endedAtMs)}`;
      return { atMs: beganAtMs, text: `${name}, ${until}` };
    });
    const notes = this.#notes.filter((one) => isNear(one.atMs));
    const lines = [...troubles, ...notes].sort((a, b) => a.atMs - b.atMs);
    return lines.map((one) => `    ${clock(one.atMs)} ${one.text}`).join("\n");
  }
}
