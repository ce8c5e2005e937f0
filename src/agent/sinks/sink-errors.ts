import { errnoOf } from "../../errors/errno-words.ts";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { storageError } from "../../files/storage-error.ts";

/** The result of the work, or what is wrong with it, said of the place and not of what lies beside it for a moment. */
export async function withSinkErrors<T>(cannot: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const must = adviceFor(error);
    if (must === undefined) throw storageError(error, cannot);
    throw new ChangeNeededError("StorageRefused", `${cannot}: ${must}`, { cause: error });
  }
}

/** What errors of these calls mean here. */
function adviceFor(error: unknown): string | undefined {
  const call = error instanceof Error && "syscall" in error ? error.syscall : undefined;
  if (call === "fchown" && errnoOf(error) === "EPERM") return "must be given to a group of the user who runs this";
  if (call === "rename" && errnoOf(error) === "EBUSY") {
    return "must be a file in a directory, is mounted by itself; mount the directory";
  }
  return undefined;
}
