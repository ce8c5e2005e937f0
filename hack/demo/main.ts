// npm start: a rotation every ten seconds, and a client that counts. Keys on a terminal; plain lines without one.
// `npm start -- --keep` leaves the directory behind, and says how to look at it.
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { screenOf } from "../../src/cli/terminal.ts";
import type { Io } from "../../src/tools/text/screen.ts";
import { close } from "./closing.ts";
import { perform } from "./live.ts";
import { recite } from "./plain.ts";
import { Scene } from "./scene.ts";
import { makeFolder, openStage } from "./stage.ts";

const { env, stdin, stdout, stderr } = process;
const interruption = new AbortController();
/** What ended it, by its number (signal(7)). */
let signalled = 0;

// The first one ends it in order; the second one at once, and then, too, nothing is left behind
for (const [signal, number] of [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const) {
  process.on(signal, () => {
    if (interruption.signal.aborted) process.exit(128 + number);
    signalled = number;
    interruption.abort();
  });
}
// A terminal that is gone hears nothing any more
for (const stream of [stdout, stderr]) stream.on("error", () => undefined);

const isKept = process.argv.includes("--keep");
const folder = await makeFolder();
if (!isKept) process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

const io: Io = {
  out: screenOf(stdout, env),
  err: screenOf(stderr, env),
  timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
  interrupted: interruption.signal,
  nowMs: () => Date.now(),
  randomId: () => randomUUID(),
  pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
};

const startedAtMs = Date.now();
const stage = await openStage(folder);
const scene = new Scene(stage, startedAtMs);
const isLive = io.out.live && stdin.isTTY;
await (isLive ? perform({ stage, scene, io, input: stdin, output: stdout }) : recite({ stage, scene, io }));
await stage.end();
const { refused } = await close(stage, { io, rotations: scene.rotations, ms: Date.now() - startedAtMs, isKept });
process.exitCode = refused > 0 ? 1 : signalled > 0 ? 128 + signalled : 0;
