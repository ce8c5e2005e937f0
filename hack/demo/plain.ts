import { line, type Io } from "../../src/tools/text/screen.ts";
import type { News, Scene } from "./scene.ts";
import type { Stage } from "./stage.ts";

const rotationsWanted = 3;

/** For pipes and CI: what happens, a line each, until three rotations are done. */
export async function recite({ stage, scene, io }: { stage: Stage; scene: Scene; io: Io }): Promise<void> {
  const done = new AbortController();
  const since = (atMs: number): string => `${((atMs - scene.startedAtMs) / 1000).toFixed(1).padStart(5)} s`;
  const tell = (news: readonly News[]): void => {
    for (const { atMs, what, text } of news) line(io.out, `${since(atMs)}  ${what.padEnd(11)}  ${text}`);
    if (!news.some(({ what }) => what === "active")) return;
    const { verified, refused } = stage.tokens.verdict(io.nowMs());
    const counted = `${verified.toLocaleString("en-US")} verified, ${refused.toLocaleString("en-US")} refused`;
    line(io.out, `${since(io.nowMs())}  ${"tokens".padEnd(11)}  ${counted}`);
    if (scene.rotations >= rotationsWanted) done.abort();
  };
  line(io.out, `A rotation every 10 seconds in ${stage.folder}; ends after ${rotationsWanted}.`);
  await Promise.race([scene.follow(io, AbortSignal.any([io.interrupted, done.signal]), tell), stage.broken]);
}
