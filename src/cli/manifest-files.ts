import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

const isManifest = (name: string): boolean => /\.(ya?ml|json)$/.test(name);

/** The file itself; of a directory the manifests in it, in the order of their names, and with `deep` those below it, too. */
export async function manifestFiles(path: string, deep: boolean): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return [path];
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries
    .filter((entry) => (entry.isDirectory() ? deep : isManifest(entry.name)))
    .map(({ name }) => name)
    .toSorted();
  return (await Promise.all(names.map((name) => manifestFiles(join(path, name), deep)))).flat();
}
