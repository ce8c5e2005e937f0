import { errnoOf } from "../errors/errno-words.ts";

/** Something else stands where a file or directory of ours belongs: a symlink, a foreign owner's file, another type. */
export class RefusedEntryError extends Error {
  readonly path: string;
  /** What it must be and what it is: `must be a regular file, is a symbolic link`. */
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(`Cannot use "${path}": ${problem}`);
    this.name = new.target.name;
    this.path = path;
    this.problem = problem;
  }
}

/** The result, or undefined when the entry is missing. Any other error goes on. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
