// The oldest Node.js that package.json allows, once into the cache: from npm, as the one that comes with the packages.
import { execFile } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import manifest from "../package.json" with { type: "json" };
import { cacheFolder, madeOnce, type Say } from "./go.ts";

const run = promisify(execFile);

/** Its program. @throws Error with what npm says */
export async function ensureLeastNode(say: Say): Promise<string> {
  const version = `${manifest.engines.node.replace(">=", "")}.0`;
  const name = `node-${process.platform}-${process.arch}@${version}`;
  const make = async (path: string): Promise<void> => {
    const cwd = dirname(path);
    const { stdout } = await run("npm", ["pack", "--silent", name], { cwd });
    await run("tar", ["-xzf", stdout.trim(), "package/bin/node"], { cwd });
    await copyFile(join(cwd, "package/bin/node"), path);
  };
  return madeOnce({ path: join(cacheFolder(), "node", version, "node"), name: `Node.js ${version}`, make }, say);
}
