import type { KeyMaterials } from "../ring/jwk.ts";
import type { AdoptableKey } from "../ring/plan.ts";

/** The keys of a JWKS that a person brings along to a recovery: verified for a window, never signing. */
export async function broughtKeys(
  _jwks: string | undefined,
  _nowMs: number,
): Promise<{ readonly keys: readonly AdoptableKey[]; readonly materials: KeyMaterials }> {
  return Promise.resolve({ keys: [], materials: new Map() });
}
