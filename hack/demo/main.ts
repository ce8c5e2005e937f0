// npm start: a rotation every ten seconds, and a client that counts. Keys on a terminal; plain lines without one.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { screenOf } from "../../src/cli/terminal.ts";
import type { Io } from "../../src/tools/text/screen.ts";
import { close } from "./closing.ts";
import { perform } from "./live.ts";
import { recite } from "./plain.ts";
import { Scene } from "./scene.ts";
import { openStage } from "./stage.ts";

const { env, stdin, stdout, stderr } = process;
const interruption = new AbortController();
process.once("SIGINT", () => interruption.abort()).once("SIGTERM", () => interruption.abort());

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
const stage = await openStage();
const scene = new Scene(stage, startedAtMs);
const isLive = io.out.live && stdin.isTTY;
await (isLive ? perform({ stage, scene, io, input: stdin, output: stdout }) : recite({ stage, scene, io }));
await stage.end();
const { refused } = await close(stage, { io, rotations: scene.rotations, ms: Date.now() - startedAtMs });
process.exitCode = refused > 0 ? 1 : interruption.signal.aborted ? 130 : 0;
