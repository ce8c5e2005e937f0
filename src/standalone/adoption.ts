import type { Reader } from "../files/disk.ts";
import type { Reading } from "../ring/found.ts";
import type { KeyMaterials } from "../ring/jwk.ts";

/** Keys that stood in the signer directory before Keyturn did: the three files of one key, or `private-jwks.json`. */
export async function readPlainKeys(
  _disk: Reader,
  dir: string,
  names: readonly string[],
): Promise<{ readonly reading: Reading; readonly materials: KeyMaterials }> {
  await Promise.resolve();
  return {
    reading: { kind: "foreign", problem: `${dir} holds ${names.slice(0, 3).join(", ")}` },
    materials: new Map(),
  };
}
