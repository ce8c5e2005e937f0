import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { type SecretKind, secretsIn } from "./secrets-in.ts";

/** What is there to be kept: who may read it is another matter. */
const homes: readonly (readonly [RegExp, SecretKind])[] = [
  [/^(?:ring|signer|set-aside)\//, "private key"],
  // Of a database that speaks TLS
  [/^server\.key$/, "private key"],
  [/^identities\//, "refresh token"],
  [/^identities\//, "signed token"],
];

export interface LookedAt {
  readonly files: number;
  readonly bytes: number;
  /** `grants.db: refresh token`. */
  readonly findings: readonly string[];
}

/** Looks through a directory, or through a database's file and what lies beside it by the same name. */
export function lookThrough(path: string): LookedAt {
  const isDir = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const dir = isDir ? path : dirname(path);
  const files = filesBelow(dir).filter((file) => isDir || basename(file).startsWith(basename(path)));
  const read = files.map((file) => ({ name: relative(dir, file), text: textOf(file) }));
  return {
    files: read.length,
    bytes: read.reduce((sum, { text }) => sum + text.length, 0),
    findings: read.flatMap(({ name, text }) =>
      secretsIn(text)
        .filter(({ kind }) => !homes.some(([home, allowed]) => allowed === kind && home.test(name)))
        .map(({ kind }) => `${name}: ${kind}`),
    ),
  };
}

function filesBelow(dir: string): readonly string[] {
  try {
    return readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
  } catch {
    // A test took it away already
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
