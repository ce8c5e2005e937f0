import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, madeOnce, runGo, type Say } from "../go.ts";

const folder = import.meta.dirname;

/** The path of the program around Prometheus' parser, built once, into the cache: a minute. */
export async function promqlParser(say: Say): Promise<string> {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  for (const file of ["go.sum", "main.go"]) hash.update(await readFile(join(folder, file)));
  const path = join(cacheFolder(), "promql", hash.digest("hex").slice(0, 16), "promql");
  const make = (output: string): Promise<void> =>
    runGo(
      {
        what: "Prometheus' parser",
        args: ["build", "-trimpath", "-v", "-p", "2", "-ldflags", "-s -w", "-o", output, "."],
        cwd: folder,
        progress: (compiled) => `compiled ${compiled} packages`,
      },
      say,
    );
  return madeOnce({ path, name: "Prometheus' parser", make }, say);
}
