import { privateKeyObject } from "../../../src/crypto/key-objects.ts";
import type { OpenRing } from "../../../src/holder/open-ring.ts";
import type { KeyRing } from "../../../src/ring/codec.ts";
import type { Kid } from "../../../src/ring/key.ts";
import { keysOf, type Ring } from "../../../src/ring/ring.ts";
import { active, prepared, ringOf, verifyOnly } from "../../support/rings.ts";
import { factsOf, pairOf, materialsOf, type Pair } from "../../support/keys.ts";

/** Four pairs; a ring names its keys by their places in this list. */
const pairs: readonly Pair[] = [0, 1, 2, 3].map((nth) => pairOf("ES256", nth));
export const pair = (nth: number): Pair => {
  const found = pairs[nth];
  if (!found) throw new Error(`there is no pair ${nth}`);
  return found;
};
export const kid = (nth: number): Kid => pair(nth).kid;

export interface RingPlan {
  readonly generation: number;
  /** Places of the keys. @default signer 0, standby 1 */
  readonly signer?: number;
  readonly standby?: number;
  readonly retiring?: readonly number[];
  readonly revoked?: readonly number[];
  readonly change?: Partial<Ring>;
}

/** A ring with real keys. */
export function keyRing(plan: RingPlan): KeyRing {
  const { generation, signer = 0, standby = 1, retiring = [], revoked = [], change } = plan;
  const ring = ringOf({
    generation,
    signer: active(kid(signer), factsOf(pair(signer))),
    standby: prepared(kid(standby), factsOf(pair(standby))),
    retiring: retiring.map((nth) => verifyOnly(kid(nth), { ...factsOf(pair(nth)), demotedInGeneration: 1 })),
    revoked: revoked.map((nth) => ({ kid: kid(nth), revokedAtMs: 0 })),
    ...change,
  });
  return { ring, materials: materialsOf([signer, standby, ...retiring].map(pair)) };
}

/** The ring as a gateway has it in memory; `half`: with the signer's private half. */
export function opened(plan: RingPlan, { half = true } = {}): OpenRing {
  const { ring, materials } = keyRing(plan);
  const { kid: of } = ring.signer;
  const privateJwk = materials.get(of)?.privateJwk;
  return {
    ring,
    publicJwks: new Map(
      keysOf(ring).flatMap(({ kid: one }) => {
        const jwk = materials.get(one)?.publicJwk;
        return jwk ? [[one, jwk] as const] : [];
      }),
    ),
    ...(half && privateJwk && { half: { kid: of, key: privateKeyObject(privateJwk) } }),
  };
}
