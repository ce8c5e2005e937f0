import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the tests have looked at for secrets: see test/support/secrecy. */
export interface Looked {
  /** That were started. */
  readonly programs: number;
  /** That they wrote. */
  readonly files: number;
  /** Of output and files. */
  readonly bytes: number;
}

/** Names the file to which each worker of a suite adds a line. */
export const lookedVariable = "KEYTURN_LOOKED";

/** Runs the suites, and says what was looked at meanwhile. */
export async function looking(runSuites: () => Promise<void>): Promise<Looked> {
  const dir = await mkdtemp(join(tmpdir(), "keyturn-looked-"));
  const path = join(dir, "looked.jsonl");
  process.env[lookedVariable] = path;
  try {
    await runSuites();
    return sumOf(await readFile(path, "utf8").catch(() => ""));
  } finally {
    process.env[lookedVariable] = "";
    await rm(dir, { recursive: true, force: true });
  }
}

export function sumOf(lines: string): Looked {
  const sum = { programs: 0, files: 0, bytes: 0 };
  for (const line of lines.split("\n").filter((one) => one !== "")) {
    // Written by test/support/secrecy a moment ago
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    const { programs, files, bytes } = JSON.parse(line) as Looked;
    sum.programs += programs;
    sum.files += files;
    sum.bytes += bytes;
  }
  return sum;
}

export const lookedLine = ({ programs, files, bytes }: Looked): string =>
  `Looked for secrets in what ${programs} programs wrote: ${files} files, with their output ${Math.ceil(bytes / 2 ** 20)} MiB`;
