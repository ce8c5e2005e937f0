import type { Ring } from "../../src/ring/ring.ts";
import { follow } from "../../src/tools/follow/follow.ts";
import { eventsBetween, type RingEvent } from "../../src/tools/follow/progress.ts";
import type { Io } from "../../src/tools/text/screen.ts";
import type { RingAt } from "../../src/tools/timeline/rows.ts";
import type { View } from "../../src/ring/view.ts";
import type { Stage } from "./stage.ts";

/** Something to tell, and when it was. */
export interface News {
  readonly atMs: number;
  readonly what: RingEvent["what"] | "you";
  readonly text: string;
}

/** How far back the picture may go. */
const historyMs = 120_000;

/** What the demo has seen so far: the newest look at the ring, the rings before it, and the news. */
export class Scene {
  readonly startedAtMs: number;
  view: View | undefined;
  history: readonly RingAt[] = [];
  readonly news: News[] = [];
  rotations = 0;
  readonly #stage: Stage;

  constructor(stage: Stage, startedAtMs: number) {
    this.#stage = stage;
    this.startedAtMs = startedAtMs;
  }

  tell(news: News): void {
    this.news.push(news);
  }

  /** Follows the directory until the signal. @param changed - Called after every ring that is new */
  async follow(io: Io, signal: AbortSignal, changed: (news: readonly News[]) => void = () => undefined): Promise<void> {
    for await (const view of follow(this.#stage.home, io, { signal })) {
      const before = this.view?.ring;
      this.view = view;
      if (view.ring && view.ring.generation !== before?.generation) changed(this.#take(view.ring, before, view.nowMs));
    }
  }

  #take(ring: Ring, before: Ring | undefined, atMs: number): readonly News[] {
    this.#stage.tokens.see(ring);
    const kept = this.history.findLastIndex((snapshot) => snapshot.atMs < atMs - historyMs);
    this.history = [...this.history.slice(Math.max(0, kept)), { atMs, ring }];
    if (before && before.signer.kid !== ring.signer.kid) this.rotations++;
    const news = eventsBetween(before, ring).map(({ what, text }): News => ({ atMs, what, text }));
    this.news.push(...news);
    return news;
  }
}
