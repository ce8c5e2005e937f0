import { join } from "node:path";
import { isAdoptable, readAdoptable } from "../../crypto/adopt.ts";
import type { DataFiles } from "../../files/data-dir.ts";
import type { Reader } from "../../files/disk.ts";
import { RefusedEntryError, unlessMissing } from "../../files/fs-errors.ts";
import { KeyturnError } from "../../errors/keyturn-error.ts";
import type { Reading } from "../../ring/found.ts";
import type { KeyMaterials } from "../../ring/jwk.ts";
import type { Algorithm } from "../../ring/key.ts";

export interface PlainKeys {
  readonly reading: Reading;
  readonly materials: KeyMaterials;
}

interface PlainDir {
  readonly dir: string;
  readonly names: readonly string[];
  /** The directory behind `..data`, where the kubelet mounts them. */
  readonly version?: string;
  /** What an RSA key without `alg` is for. */
  readonly algorithm: Algorithm;
}

/**
 * Keys that stood in the signer directory before Keyturn did: the three files of one key, or `private-jwks.json`. Files
 * that are exactly neither are somebody else's.
 */
export async function readPlainKeys(disk: Reader, { dir, names, version, algorithm }: PlainDir): Promise<PlainKeys> {
  const place = version === undefined ? dir : join(dir, version);
  const listed = names.slice(0, 4).join(", ");
  if (!isAdoptable(Object.fromEntries(names.map((name) => [name, ""])))) {
    const files = "signing.pem, public.pem and kid, or private-jwks.json alone";
    return foreign(`"${dir}" must be empty or hold exactly ${files}, holds ${listed}`);
  }
  try {
    const files: Record<string, string> = {};
    for (const name of names) files[name] = await disk.readText(join(place, name));
    const createdAtMs = await oldestMs(disk, place, names);
    const { signer, verifyOnly, materials } = await readAdoptable(files satisfies DataFiles, {
      createdAtMs,
      algorithm,
    });
    return { reading: { kind: "adoptable", signer, verifyOnly }, materials };
  } catch (error) {
    if (error instanceof KeyturnError || error instanceof RefusedEntryError) return foreign(error.message);
    throw error;
  }
}

const foreign = (problem: string): PlainKeys => ({ reading: { kind: "foreign", problem }, materials: new Map() });

/** Nobody knows more of a key's age than how old its file is. */
async function oldestMs(disk: Reader, dir: string, names: readonly string[]): Promise<number> {
  const entries = await Promise.all(names.map((name) => unlessMissing(disk.entry(join(dir, name)))));
  return Math.floor(Math.min(...entries.map((found) => found?.changedAtMs ?? Infinity)));
}
