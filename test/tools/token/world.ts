import { publicObject, signerObject, type Files } from "../../../src/crypto/objects.ts";
import type { Observation } from "../../../src/ring/decide.ts";
import type { Algorithm } from "../../../src/ring/key.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import type { RingHome } from "../../../src/keeper/home.ts";
import { realRing } from "../../support/keys.ts";
import { epoch, policy } from "../../support/story.ts";

export interface KeyHome extends RingHome {
  readonly ring: Ring;
  /** What stands in the signer object. */
  readonly signerFiles: Files;
  /** What stands in the public object. */
  readonly publicFiles: Files;
}

/** A home with real keys, for tokens: nothing in it changes. */
export function keyHome(algorithm: Algorithm = "ES256", change: Partial<Ring> = {}): KeyHome {
  const { ring, materials } = realRing(algorithm, change);
  const [signerFiles, publicFiles] = [signerObject(ring, materials), publicObject(ring, materials)];
  const reading = { kind: "ring", ring, halves: [ring.signer.kid] } as const;
  const observation: Observation = {
    rotation: ring.rotation,
    policy: { ...policy, profile: ring.signer.profile },
    requests: [],
    gateways: [],
    found: { ring: reading, signer: reading, public: reading, claims: [], nowMs: epoch },
    clockTrusted: true,
  };
  return {
    where: "directory /var/lib/keyturn",
    ring,
    signerFiles,
    publicFiles,
    observe: async () => observation,
    publicJwks: async () => publicFiles["jwks.json"] ?? "",
    keyRing: async (of) => (of === "signer" ? signerFiles : publicFiles)["keyring.json"] ?? "",
    keeper: async () => ({ kind: "acts", who: "process 4711 on host" }),
    change: async () => undefined,
    async *changes() {
      // Nothing ever changes
    },
  };
}
