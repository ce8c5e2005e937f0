import { RefusedEntryError } from "./fs-errors.ts";
import { ChangeNeededError, KeyturnError, TryLaterError } from "../errors/keyturn-error.ts";
import { errnoOf, fileProblem } from "../errors/errno-words.ts";
import { quotedPath } from "../errors/quote.ts";

/**
 * What passes by itself, or when somebody makes room. ENOENT: something was removed while it was looked at; ENOTEMPTY: something
 * was written to what is being removed, or NFS keeps there what a reader has open. Any other a person must change.
 */
const passing: ReadonlySet<string> = new Set([
  ...["ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "EBUSY", "EINTR", "ESTALE", "ETIMEDOUT"],
  ...["ENOENT", "EEXIST", "ENOTEMPTY"],
]);

/**
 * The one place where errors of the file system become ours: `TryLaterError` when the same call may work later,
 * `ChangeNeededError` when a person must act. Anything else, such as a TypeError, is a mistake in the program and comes
 * back as it was.
 *
 * @param cannot - What could not be done: `Cannot write "…"`. @default the system call, and its path
 */
export function storageError(error: unknown, cannot?: string): unknown {
  if (error instanceof KeyturnError) return error;
  if (error instanceof RefusedEntryError) {
    return new ChangeNeededError("ForeignFile", error.message, { cause: error });
  }
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const subject = cannot ?? callOf(error);
  const words = fileProblem(error);
  if (words === undefined) return error;
  const message = `${subject}: ${words}`;
  return passing.has(errno)
    ? new TryLaterError("StorageUnavailable", message, { cause: error })
    : new ChangeNeededError("StorageRefused", message, { cause: error });
}

function callOf(error: unknown): string {
  const path = memberText(error, "path");
  return `Cannot ${memberText(error, "syscall") ?? "use"} ${path === undefined ? "the directory" : quotedPath(path)}`;
}

function memberText(error: unknown, member: "syscall" | "path"): string | undefined {
  if (typeof error !== "object" || error === null || !(member in error)) return undefined;
  const value: unknown = Reflect.get(error, member);
  return typeof value === "string" ? value : undefined;
}

/** The result of the work, or its error as one of ours. */
export async function withStorageErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error);
  }
}
