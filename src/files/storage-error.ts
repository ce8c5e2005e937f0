import { errnoOf, RefusedEntryError } from "./fs-errors.ts";
import { ChangeNeededError, KeyturnError, TryLaterError } from "../errors/keyturn-error.ts";
import { quotedPath } from "../errors/quote.ts";

/**
 * What passes by itself, or when somebody makes room. ENOENT: something was removed while it was looked at; ENOTEMPTY: something
 * was written to what is being removed, or NFS keeps there what a reader has open.
 */
const passing = new Map([
  ["ENOSPC", "there is no space left on the disk"],
  ["EDQUOT", "the disk quota is used up"],
  ["EIO", "the disk has a fault"],
  ["EMFILE", "too many files are open"],
  ["ENFILE", "too many files are open on this machine"],
  ["ENOMEM", "there is no memory left"],
  ["EAGAIN", "it is busy"],
  ["EBUSY", "it is busy"],
  ["EINTR", "it was interrupted"],
  ["ESTALE", "the file server has changed"],
  ["ETIMEDOUT", "the file server does not answer"],
  ["ENOENT", "it is not there, or no longer"],
  ["EEXIST", "it is there already"],
  ["ENOTEMPTY", "something was written there just now"],
]);

/** What a person must change. */
const lasting = new Map([
  ["EACCES", "permission is denied"],
  ["EPERM", "the operation is not permitted"],
  ["EROFS", "the file system is read-only"],
  ["ENOTDIR", "a part of the path is no directory"],
  ["EISDIR", "it is a directory"],
  ["ELOOP", "a part of the path is a symbolic link"],
  ["ENAMETOOLONG", "the path is too long"],
  ["EOPNOTSUPP", "the file system can't do that"],
  ["ENOTSUP", "the file system can't do that"],
  ["EXDEV", "the file system can't do that"],
  ["EMLINK", "the file system can't do that"],
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
  const later = passing.get(errno);
  if (later !== undefined) return new TryLaterError("StorageUnavailable", `${subject}: ${later}`, { cause: error });
  const change = lasting.get(errno);
  return change === undefined
    ? error
    : new ChangeNeededError("StorageRefused", `${subject}: ${change}`, { cause: error });
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
