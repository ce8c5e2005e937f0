import { execFile } from "node:child_process";
import { existsSync, watch } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { decodeKeyRing } from "../../src/ring/codec.ts";
import { directoryHome } from "../../src/standalone/directory-home.ts";
import { Keyturn } from "../binary/support/keyturn.ts";
import type { LineProcess } from "../binary/support/line-process.ts";
import type { Bench } from "./bench.ts";
import type { Contest } from "./measure.ts";
import { replaceByRename } from "./swap.ts";

const execute = promisify(execFile);
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

/** Nothing rotates by itself, nothing waits, and old keys leave after a second: so requests can follow each other. */
const flags = ["--issuer", "https://issuer.example", "--audience", "api", "--interval", "0s", "--max-ttl", "1s"];
const times = ["--propagation-minimum", "0s", "--clock-skew", "0s", "--rotation-window", "1s", "--log-level", "warn"];
/** Fewer than a full ring, which refuses to rotate. */
const mostKeys = 8;
const rounds = 25;

let folder: string | undefined;
let keyturn: Keyturn | undefined;
let standalone: LineProcess | undefined;

/** Waits, awake for every change in the directory, until what stands there fits. */
async function until(dir: string, fits: () => Promise<boolean>): Promise<void> {
  let changed = Promise.withResolvers<unknown>();
  const watcher = watch(dir, () => changed.resolve(undefined));
  try {
    while (!(await fits())) {
      await changed.promise;
      changed = Promise.withResolvers();
    }
  } finally {
    watcher.close();
  }
}

/** Resolves when the first ring is published. */
async function started(dir: string): Promise<void> {
  while (!existsSync(join(dir, "signer", "kid"))) await sleep(20);
}

const kidIn = (dir: string): Promise<string> => readFile(join(dir, "signer", "..data", "kid"), "utf8");

/** A standby that may sign at once, and room for one more key. */
const readyIn = (dir: string) => (): Promise<void> =>
  until(join(dir, "public"), async () => {
    const { ring } = decodeKeyRing(await readFile(join(dir, "public", "..data", "keyring.json"), "utf8"), "public");
    return ring.standby?.publishedAtMs !== undefined && ring.retiring.length < mostKeys;
  });

async function rotated(dir: string, request: () => Promise<unknown>): Promise<void> {
  const before = await kidIn(dir);
  const swapped = until(join(dir, "signer"), async () => (await kidIn(dir)) !== before);
  await Promise.all([request(), swapped]);
}

async function contestsIn(dir: string, program: Keyturn): Promise<readonly Contest[]> {
  const home = await directoryHome(dir, { clock });
  let count = 0;
  const change = (): Promise<void> => home.change({ kind: "rotate", requestedAt: `bench ${++count}` });
  const command = (): Promise<unknown> => program.run(["rotate", "--dir", dir]);
  const files = ["keyring.json", "jwks.json", "private-jwks.json", "signing.pem", "public.pem", "kid"];
  const text = (await Promise.all(files.map((name) => readFile(join(dir, "signer", name), "utf8")))).join("");
  const bytes = `${(text.length / 1024).toFixed(1)} KiB`;
  const script = `const fs = require("node:fs"); const file = fs.openSync("file.tmp", "w"); fs.writeSync(file, ${JSON.stringify(text)});
    fs.fsyncSync(file); fs.closeSync(file); fs.renameSync("file.tmp", "file"); fs.fsyncSync(fs.openSync(".", "r"));`;
  const before = readyIn(dir);
  return [
    {
      name: "a request in overrides.json",
      ours: { name: "new signer behind ..data", before, run: () => rotated(dir, change) },
      baseline: { name: `fsync'd write + rename of the signer's ${bytes}`, run: () => replaceByRename(dir, text) },
      ...{ clock: "wall", batch: 1, rounds },
    },
    {
      name: "keyturn rotate, a process",
      ours: { name: "new signer behind ..data", before, run: () => rotated(dir, command) },
      baseline: {
        name: "a node process that writes + renames the same",
        run: () => execute(process.execPath, ["-e", script], { cwd: dir }),
      },
      ...{ clock: "wall", batch: 1, rounds },
    },
  ];
}

export const requestBench: Bench = {
  name: "request",
  what: "from a request to the new signer behind ..data: keyturn standalone is woken, makes a key, writes the ring, swaps both directories",
  contests: async () => {
    folder = await mkdtemp(join(tmpdir(), "keyturn-bench-"));
    keyturn = await Keyturn.build();
    standalone = keyturn.start(["standalone", "--dir", folder, ...flags, ...times]);
    await started(folder);
    return contestsIn(folder, keyturn);
  },
  close: async () => {
    await standalone?.end();
    await keyturn?.remove();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  },
};
