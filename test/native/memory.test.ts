import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { ensureNative, nativeBuildMs, nativeNeeds } from "../../hack/native.ts";
import { tempDir } from "../files/temp.ts";

/** Says what its limit is, and crashes. */
const program = `
  const { readFileSync } = require("node:fs");
  const library = { exports: {} };
  process.dlopen(library, process.argv[1]);
  const isPrivate = process.argv[2] === "private" ? library.exports.keepMemoryPrivate() : undefined;
  const limit = /core file size +(\\S+) +(\\S+)/.exec(readFileSync("/proc/self/limits", "utf8")).slice(1);
  process.stdout.write(JSON.stringify({ isPrivate, limit }), () => process.abort());
`;

/** In a shell that lets each of its programs leave a core dump of 2 MiB. */
async function crash(library: string, how: "private" | "plain"): Promise<{ said: unknown; dir: string }> {
  const dir = await tempDir();
  const script = 'ulimit -S -c 4096 && exec "$0" -e "$1" "$2" "$3"';
  const said = await new Promise<string>((resolve) => {
    execFile("sh", ["-c", script, process.execPath, program, library, how], { cwd: dir }, (_, stdout) =>
      resolve(stdout),
    );
  });
  return { said: JSON.parse(said), dir };
}

describe("keepMemoryPrivate", () => {
  let library = "";
  beforeAll(async () => {
    if (nativeNeeds() === undefined) ({ library } = await ensureNative(() => undefined));
  }, nativeBuildMs);

  test("leaves no core dump where there would be one, and no limit that could be raised again", async (context) => {
    const missing = process.platform === "linux" ? nativeNeeds() : "core dumps are looked at on Linux alone";
    if (missing !== undefined) context.skip(missing);
    const plain = await crash(library, "plain");
    expect(plain.said).toEqual({ limit: ["2097152", expect.not.stringMatching(/^0$/) as string] });
    const kept = await crash(library, "private");
    expect(kept.said).toEqual({ isPrivate: true, limit: ["0", "0"] });
    // Where the kernel puts them elsewhere the limits alone are looked at
    const isHere = /^[^|/]/.test(readFileSync("/proc/sys/kernel/core_pattern", "utf8"));
    expect(readdirSync(plain.dir)).toHaveLength(isHere ? 1 : 0);
    expect(readdirSync(kept.dir)).toEqual([]);
  });
});
