import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { withStorageErrors } from "../../files/storage-error.ts";

/** The result of the work in a directory (mode 0700) that is there for as long as it takes. @throws KeyturnError where none can be made */
export async function inPrivateDir<T>(above: string, start: string, work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await withStorageErrors(() => mkdtemp(join(above, start)));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
