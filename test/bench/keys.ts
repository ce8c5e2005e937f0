import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { generateKey } from "../../src/crypto/keypair.ts";
import { algorithms, isRsa, type Algorithm } from "../../src/ring/key.ts";
import type { Bench } from "./bench.ts";
import type { Contest } from "./measure.ts";

const generate = promisify(generateKeyPair);
const modulusLength = 3072;
const curves = { ES256: "P-256", ES384: "P-384", ES512: "P-521" } as const;

/** Node's own key pair of this kind, as it comes: not named, not tried, not written. */
async function barePair(algorithm: Algorithm): Promise<unknown> {
  if (algorithm === "EdDSA" || algorithm === "Ed25519") return generate("ed25519");
  const curve = algorithm in curves ? curves[algorithm as keyof typeof curves] : undefined;
  return curve === undefined ? generate("rsa", { modulusLength }) : generate("ec", { namedCurve: curve });
}

function contestOf(algorithm: Algorithm): Contest {
  return {
    name: isRsa(algorithm) ? `${algorithm}, ${modulusLength} bits` : algorithm,
    clock: "cpu",
    ours: { name: "generateKey", run: () => generateKey(algorithm, modulusLength) },
    baseline: { name: "node:crypto generateKeyPair", run: () => barePair(algorithm) },
    // The search for primes takes 0.1 to 2 s by luck: a batch must hold several to say anything
    ...(isRsa(algorithm) && { batch: 6, rounds: 5 }),
  };
}

export const keysBench: Bench = {
  name: "keys",
  what: "a key pair with its kid and JWK, after a probe signature; one at a time",
  contests: () => Promise.resolve(algorithms.map(contestOf)),
};
