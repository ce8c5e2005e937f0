// node hack/demo/record.ts [FILE]: plays the demo for forty seconds, and writes it as an SVG that moves.
import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { setInterval, setTimeout as sleep } from "node:timers/promises";
import type { Io, Screen } from "../../src/tools/text/screen.ts";
import { act, type Action } from "./actions.ts";
import { frame } from "./frame.ts";
import { Scene } from "./scene.ts";
import { makeFolder, openStage } from "./stage.ts";
import { svgOf } from "./svg.ts";

const file = process.argv[2] ?? "docs/images/demo.svg";
const look = { columns: 100, colour: true, unicode: true };
const rows = 27;
const msPerFrame = 1000;
const lastSecond = 40;
/** What somebody presses, and in which second. */
const script: ReadonlyMap<number, Action> = new Map([
  [16, "rotate"],
  [21, "roll back"],
  [28, "rotate"],
  [34, "revoke"],
]);

const screen: Screen = { ...look, live: true, rows: 50, write: () => undefined };
const ended = new AbortController();
const io: Io = {
  ...{ out: screen, err: screen, timeZone: "UTC", interrupted: ended.signal },
  nowMs: () => Date.now(),
  randomId: () => randomUUID(),
  pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
};

const folder = await makeFolder();
const stage = await openStage(folder);
const scene = new Scene(stage, Date.now());
const following = scene.follow(io, ended.signal);
const frames: (readonly string[])[] = [];
let verifiedBefore = 0;
const seconds = setInterval(msPerFrame);
while (frames.length < lastSecond) {
  await seconds.next();
  const { verified } = stage.tokens;
  const nowMs = io.nowMs();
  frames.push(
    frame({
      ...{ scene, look, rows, nowMs, timeZone: io.timeZone, folder: stage.folder },
      verdict: stage.tokens.verdict(nowMs),
      perSecond: verified - verifiedBefore,
    }),
  );
  verifiedBefore = verified;
  const action = script.get(frames.length);
  if (action) await act(action, { stage, scene, io });
}
await seconds.return?.();
ended.abort();
await following;
await stage.end();
const title = "npm start: keys on a timeline while they rotate, roll back and are revoked; no valid token is refused";
await writeFile(file, svgOf({ frames, ...look, rows, msPerFrame, title }));
await rm(folder, { recursive: true });
