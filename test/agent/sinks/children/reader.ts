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

/** Files of one version, resolved once; it may be gone by then, and is resolved anew. */
function lookAtVersion(): void {
  const version = join(dir, "tokens", readlinkSync(join(dir, "tokens", "..data")));
  try {
    const [a, b] = [look(join(version, "token"), "token", "a"), look(join(version, "authorization"), "header", "b")];
    if (a !== b) throw new Error("one version holds two tokens");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

const input = process.stdin.resume();
const hasEnded = once(input, "end").then(() => true);
process.stdout.write("ready\n");
while (!(await Promise.race([hasEnded, turn(false)]))) {
  for (let n = 0; n < 50; n++) {
    look(join(dir, "token"), "token");
    look(join(dir, "tokens", "token.json"), "json");
    lookAtVersion();
  }
}
process.stdout.write(JSON.stringify({ reads, changes }));
