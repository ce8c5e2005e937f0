import { generateKey } from "../../src/crypto/keypair.ts";
import type { GatewayView } from "../../src/ring/ack.ts";
import type { KeyMaterial } from "../../src/ring/jwk.ts";
import type { Algorithm, Kid } from "../../src/ring/key.ts";
import type { PlanInput, Policy } from "../../src/ring/plan.ts";
import { keyLimit, keysOf, type Ring } from "../../src/ring/ring.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** 2026-11-22T00:00:00Z. */
const epoch = Date.UTC(2026, 10, 22);

/** A full ring of real keys: a signer, a standby, and as many retiring keys as there is room for. */
export interface FullRing {
  readonly ring: Ring;
  readonly materials: ReadonlyMap<Kid, KeyMaterial>;
}

const policyFor = (algorithm: Algorithm): Policy => ({
  profile: { algorithm, issuer: "https://issuer.example", audiences: ["api"], maxTTLMs: hour },
  schedule: { kind: "interval", everyMs: 30 * day },
  propagationMs: 30 * minute,
  acknowledgements: "Required",
  clockSkewMs: minute,
  rotationWindowMs: 2 * hour,
  rollbackWindowMs: 2 * hour,
  revokedKids: [],
  adoptionMaxTTLMs: hour,
  suspend: false,
});

export async function fullRing(algorithm: Algorithm): Promise<FullRing> {
  const made = await Promise.all(Array.from({ length: keyLimit }, () => generateKey(algorithm)));
  const [signer, standby, ...retiring] = made.map(({ kid }) => kid);
  if (signer === undefined || standby === undefined) throw new TypeError("Cannot fill a ring: there are no keys");
  const { profile } = policyFor(algorithm);
  const facts = { profile, createdAtMs: epoch - 10 * day, waitMs: 30 * minute, publishedAtMs: epoch - 9 * day };
  const signed = { ...facts, canSign: true, windowMs: 2 * hour, activatedAtMs: epoch - 8 * day };
  const gone = { demotedAtMs: epoch - minute, demotedInGeneration: 99, quiescedAtMs: epoch };
  const ring: Ring = {
    rotation: { namespace: "default", name: "gateway" },
    generation: 100,
    settings: {
      clockSkewMs: minute,
      jwksMaxAgeMs: 15 * minute,
      mintMaxTTLMs: hour,
      rotationWindowMs: 2 * hour,
    },
    signer: { ...signed, kid: signer, state: "active" },
    standby: { ...facts, canSign: true, kid: standby, state: "prepared" },
    retiring: retiring.map((kid) => ({ ...signed, ...gone, kid, state: "verify-only" })),
    revoked: [],
    handledRequests: ["spec:2026-11-21"],
  };
  return { ring, materials: new Map(made.map(({ kid, material }) => [kid, material])) };
}

/** A pass over that ring with three gateways that have it: `"at rest"` nothing is due, `"busy"` everything is. */
export function passOver({ ring }: FullRing, when: "at rest" | "busy"): PlanInput {
  const kids = keysOf(ring).map(({ kid }) => kid);
  const projection = { generation: ring.generation, kids };
  const ack = { generation: ring.generation, verifies: kids, signs: ring.signer.kid };
  return {
    rotation: ring.rotation,
    policy: policyFor(ring.signer.profile.algorithm),
    stored: { kind: "ring", ring, projections: { signer: projection, public: projection } },
    requests: ["spec:2026-11-21"],
    gateways: ["gateway-0", "gateway-1", "gateway-2"].map((name): GatewayView => ({ name, ready: true, ack })),
    clockTrusted: true,
    nowMs: when === "at rest" ? epoch + minute : epoch + 30 * day,
  };
}
