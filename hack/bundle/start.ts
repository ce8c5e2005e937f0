#!/usr/bin/env node
// The program of the image: runs the bundle that the command belongs to, with what V8 has compiled of it before where that is there.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";
import { complaintAbout } from "../../src/cli/node-version.ts";

const complaint = complaintAbout(process.versions.node);
if (complaint !== undefined) {
  process.stderr.write(complaint);
  process.exit(1);
}

/** Put in by hack/bundle.ts: names with a hash of the contents, since V8 takes any text of the same length for the same. */
declare const KEYTURN_PROGRAMS: Readonly<Record<"gateway" | "all", string>>;

const filename = join(__dirname, KEYTURN_PROGRAMS[process.argv[2] === "gateway" ? "gateway" : "all"]);

/** What compile.ts writes. Another Node.js, or the same with other flags of V8, compiles anew. */
export const compiledPath = `${filename}.${process.version}-${process.arch}`;

export const script = new Script(readFileSync(filename, "utf8"), {
  filename,
  cachedData: contentsOf(compiledPath),
});

function contentsOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

type Wrapped = (ownRequire: typeof require, ownFilename: string, ownDirname: string) => void;
// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- what hack/bundle.ts wraps it in
(script.runInThisContext() as Wrapped)(require, filename, __dirname);
