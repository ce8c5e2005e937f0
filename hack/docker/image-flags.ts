import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../run.ts";

/** How the Dockerfile's ENTRYPOINT has Node.js run. */
export async function imageFlags(): Promise<readonly string[]> {
  const [, entrypoint = ""] = /^ENTRYPOINT (.+)$/m.exec(await readFile(join(root, "Dockerfile"), "utf8")) ?? [];
  const parsed: unknown = JSON.parse(entrypoint);
  return Array.isArray(parsed) ? parsed.map(String).slice(1, -1) : [];
}
