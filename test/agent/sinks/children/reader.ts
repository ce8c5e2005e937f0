// Reads what sinks write until its input ends, and then says how often: `reader.ts DIR`. Ends with 1 when it saw anything but whole tokens, newer each time
import { once } from "node:events";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { SinkFormat } from "../../../../src/agent/agent-spec.ts";
import { tokenText } from "../../../../src/agent/sinks/token-text.ts";
import { tokenOf } from "../tokens.ts";

const [dir = ""] = process.argv.slice(2);
const newest = new Map<string, number>();
let reads = 0;
let changes = 0;

function look(path: string, format: SinkFormat, shownAs = path): number {
  const text = readFileSync(path, "utf8");
  const n = Number(/\.(p*)(\d+)\./.exec(text)?.[2] ?? NaN);
  const last = newest.get(shownAs) ?? 0;
  if (Number.isNaN(n) || text !== tokenText(format, tokenOf(n))) throw new Error(`${path} is torn: ${text.length}`);
  if (n < last) throw new Error(`${path} went back`);
  if (n > last) changes++;
  newest.set(shownAs, n);
  reads++;
  return n;
}

/** Whether it was there to be looked at: a version may be gone before it is opened, where the machine stands still meanwhile. */
function wasThere(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

/** Through the link, which leads to another version the next time. */
function lookThroughLink(): void {
  const path = join(dir, "tokens", "token.json");
  if (!wasThere(() => look(path, "json"))) look(path, "json");
}

/** Files of one version, resolved once. */
function lookAtVersion(): void {
  const version = join(dir, "tokens", readlinkSync(join(dir, "tokens", "..data")));
  wasThere(() => {
    const [a, b] = [look(join(version, "token"), "token", "a"), look(join(version, "authorization"), "header", "b")];
    if (a !== b) throw new Error("one version holds two tokens");
  });
}

const input = process.stdin.resume();
const hasEnded = once(input, "end").then(() => true);
process.stdout.write("ready\n");
while (!(await Promise.race([hasEnded, turn(false)]))) {
  for (let n = 0; n < 50; n++) {
    look(join(dir, "token"), "token");
    lookThroughLink();
    lookAtVersion();
  }
}
process.stdout.write(JSON.stringify({ reads, changes }));
