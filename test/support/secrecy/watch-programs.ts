import type { ChildProcess } from "node:child_process";
import { appendFileSync } from "node:fs";
import { subscribe } from "node:diagnostics_channel";
import type { Readable } from "node:stream";
import { type Looked, lookedVariable } from "../../../hack/suites/looked.ts";
import { secretsIn } from "./secrets-in.ts";
import { lookThrough } from "./written-files.ts";

/** A secret may stand in two chunks. */
const longestSecret = 8192;

const looked = { programs: 0, files: 0, bytes: 0 };
const findings = new Set<string>();

/**
 * From now on, looks for secrets in all that our programs, and the databases of the tests, write: output as it comes, also where nobody
 * reads it; the directories that their command lines name, when they end.
 */
export function watchPrograms(): void {
  subscribe("child_process", (message) => {
    // As Node.js documents this channel
    const { process: child } = message as { readonly process: ChildProcess };
    // It has no streams yet
    queueMicrotask(() => watch(child));
  });
}

/** @throws Error for everything that was found since it was last asked */
export function mustHaveFoundNothing(): void {
  const path = process.env[lookedVariable] ?? "";
  if (path !== "" && looked.programs > 0) appendFileSync(path, `${JSON.stringify(looked satisfies Looked)}\n`);
  const found = [...findings];
  findings.clear();
  Object.assign(looked, { programs: 0, files: 0, bytes: 0 });
  if (found.length > 0) throw new Error(`Secrets stand where nobody may write them:\n${found.join("\n")}`);
}

function watch(child: ChildProcess): void {
  const program = programOf(child.spawnargs);
  if (program === undefined) return;
  looked.programs++;
  if (!program.printsTokens) listen(child.stdout, `${program.name}, standard output`);
  listen(child.stderr, `${program.name}, standard error`);
  child.prependOnceListener("exit", () => {
    for (const path of program.writesTo) {
      const { files, bytes, findings: there } = lookThrough(path);
      looked.files += files;
      looked.bytes += bytes;
      for (const finding of there) findings.add(`${program.name}, ${finding}`);
    }
  });
}

/** Sees each chunk before whoever reads the stream, and takes it from nobody. */
function listen(stream: Readable | null, name: string): void {
  if (stream === null) return;
  const push = stream.push.bind(stream);
  let before = "";
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (Buffer.isBuffer(chunk)) {
      const text = before + chunk.toString("latin1");
      looked.bytes += chunk.length;
      for (const { kind } of secretsIn(text)) findings.add(`${name}: ${kind}`);
      before = text.slice(-longestSecret);
    }
    return push(chunk, encoding);
  };
}

interface Program {
  readonly name: string;
  /** Somebody asked for one, on standard output. */
  readonly printsTokens: boolean;
  readonly writesTo: readonly string[];
}

/** Absent for a program that is not ours. One that can't be started has no arguments. */
export function programOf(args: readonly string[] = []): Program | undefined {
  if (/(?:^|\/)postgres$/.test(args[0] ?? "")) {
    return { name: "postgres", printsTokens: false, writesTo: valuesOf(args, ["-D"]) };
  }
  const at = args.findIndex((arg) => /(?:^|\/)(?:cli\/main\.[jt]s|keyturn\.cjs)$/.test(arg));
  if (at === -1) return undefined;
  const [command = "", sub = ""] = args.slice(at + 1).filter((arg) => !arg.startsWith("-"));
  const stores = valuesOf(args, ["--store"]).flatMap((store) => /^sqlite:(.+)$/.exec(store)?.[1] ?? []);
  return {
    name: `keyturn ${command}`,
    printsTokens: command === "token" || (command === "agent" && sub === "token"),
    writesTo: [...valuesOf(args, ["-d", "--dir", "--state-dir", "--floor-dir"]), ...stores],
  };
}

const valuesOf = (args: readonly string[], flags: readonly string[]): readonly string[] =>
  args.flatMap((arg, index) => {
    const [flag = "", value] = /^(--[a-z-]+)=(.*)$/.exec(arg)?.slice(1) ?? [arg, args[index + 1]];
    return flags.includes(flag) && value !== undefined ? [value] : [];
  });
