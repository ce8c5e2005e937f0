import fc from "fast-check";
import type { KeyRing } from "../../src/ring/codec.ts";
import type { KeyMaterial } from "../../src/ring/jwk.ts";
import { algorithms, type Kid, type VerifyOnlyKey } from "../../src/ring/key.ts";
import { keysOf, type Ring } from "../../src/ring/ring.ts";
import { factsOf, pairOf, type Pair } from "./keys.ts";

/** Three pairs of each algorithm: one more than a ring of 16 needs of the cheap ones, RSA shared. */
const pool: readonly Pair[] = algorithms.flatMap((algorithm) =>
  Array.from({ length: algorithm === "ES256" ? 12 : 1 }, (_, nth) => pairOf(algorithm, nth)),
);

const instant = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) });
const seconds = (least: number): fc.Arbitrary<number> => fc.integer({ min: least, max: 10 ** 9 }).map((s) => s * 1000);
const name = fc
  .string({ minLength: 1, maxLength: 60, unit: "grapheme" })
  .filter((text) => !/[\u0000-\u001f\u007f]/.test(text));
const maybe = <Name extends string, Value>(member: Name, value: fc.Arbitrary<Value>) =>
  fc.option(value).map((some) => (some === null ? {} : { [member]: some })) as fc.Arbitrary<{ [N in Name]?: Value }>;

/** Members of a key that depend on nothing. */
const facts = fc
  .record({
    createdAtMs: instant,
    waitMs: seconds(0),
    issuer: name,
    audiences: fc.array(name, { minLength: 1, maxLength: 4 }),
    maxTTLMs: seconds(1),
    adopted: fc.option(fc.record({ kid: name, adoptedAtMs: instant })),
  })
  .chain((fixed) => maybe("publishedAtMs", instant).map((published) => ({ ...fixed, ...published })));
type AnyFacts = typeof facts extends fc.Arbitrary<infer Value> ? Value : never;

function common(pair: Pair, { adopted, issuer, audiences, maxTTLMs, ...rest }: AnyFacts, index: number) {
  const { profile, ...bits } = factsOf(pair);
  return {
    ...rest,
    ...bits,
    // The index keeps adopted kids apart
    kid: adopted ? `${adopted.kid}${index}` : pair.kid,
    ...(adopted && { adoptedAtMs: adopted.adoptedAtMs }),
    profile: { ...profile, issuer, audiences, maxTTLMs },
  };
}

const retirement = fc
  .record({ windowMs: seconds(0), demotedAtMs: instant, canSign: fc.boolean() })
  .chain((fixed) => maybe("activatedAtMs", instant).map((activated) => ({ ...fixed, ...activated })))
  .chain((fixed) => maybe("quiescedAtMs", instant).map((quiesced) => ({ ...fixed, ...quiesced })));

const revocations = fc.uniqueArray(
  fc
    .record({ kid: name.map((kid) => `revoked ${kid}`), revokedAtMs: instant })
    .chain((fixed) =>
      maybe("reason", fc.string({ maxLength: 40, unit: "binary" })).map((reason) => ({ ...fixed, ...reason })),
    )
    .chain((fixed) => maybe("thumbprint", name).map((thumbprint) => ({ ...fixed, ...thumbprint }))),
  { maxLength: 5, selector: ({ kid }) => kid },
);

const around = fc
  .record({
    rotation: fc.record({ namespace: name, name }),
    generation: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    settings: fc.record({
      clockSkewMs: seconds(0),
      jwksMaxAgeMs: seconds(0),
      mintMaxTTLMs: seconds(1),
      rotationWindowMs: seconds(0),
    }),
    revoked: revocations,
    handledRequests: fc.array(fc.string({ minLength: 1, maxLength: 40, unit: "binary" }), { maxLength: 16 }),
  })
  .chain((fixed) =>
    maybe(
      "revokedBefore",
      fc.tuple(instant, instant).map(([a, b]) => ({ requestedMs: Math.max(a, b), effectiveMs: Math.min(a, b) })),
    ).map((before) => ({ ...fixed, ...before })),
  )
  .chain((fixed) =>
    maybe("writes", fc.array(fc.stringMatching(/^[\w-]{1,32}$/), { maxLength: 64 })).map((writes) => ({
      ...fixed,
      ...writes,
    })),
  )
  .chain((fixed) =>
    maybe("longerMaxAge", fc.record({ maxAgeMs: seconds(1), loweredAtMs: instant })).map((longer) => ({
      ...fixed,
      ...longer,
    })),
  );

/** Any ring that the ring object may hold, with real halves for every key that can sign. */
export const anyKeyRing: fc.Arbitrary<KeyRing> = fc
  .record({
    around,
    keys: fc
      .shuffledSubarray([...pool], { minLength: 1, maxLength: 16 })
      .chain((pairs) =>
        fc.tuple(
          ...pairs.map((pair) => fc.record({ pair: fc.constant(pair), facts, retirement, demoted: fc.nat(1000) })),
        ),
      ),
    active: fc.record({ activatedAtMs: instant, windowMs: seconds(0), canSign: fc.boolean() }),
    hasStandby: fc.boolean(),
  })
  .map(({ around, keys, active, hasStandby }) => {
    const made = keys.map((key, index) => ({ ...key, shared: common(key.pair, key.facts, index) }));
    const [first, ...others] = made;
    if (!first) throw new Error("a ring has at least one key");
    const standby = hasStandby ? others.shift() : undefined;
    const ring: Ring = {
      ...around,
      signer: { ...first.shared, ...active, state: "active" },
      ...(standby && { standby: { ...standby.shared, canSign: true, state: "prepared" } }),
      retiring: others.map(({ shared, retirement, demoted }): VerifyOnlyKey => {
        const demotedInGeneration = Math.max(1, around.generation - demoted);
        return { ...shared, ...retirement, demotedInGeneration, state: "verify-only" };
      }),
    };
    const able = new Set(
      keysOf(ring)
        .filter((key) => key.canSign)
        .map((key) => key.kid),
    );
    const materials = made.map(({ pair: { material }, shared: { kid } }): readonly [Kid, KeyMaterial] => [
      kid,
      able.has(kid) ? material : { publicJwk: material.publicJwk },
    ]);
    // fast-check makes objects without a prototype, which are not strictly equal to ours
    return { ring: structuredClone(ring), materials: new Map(materials) };
  });

/** The facts that an object shows: `canSign` is what it holds, and the public one has no reasons. */
export function seenIn(ring: Ring, object: "ring" | "signer" | "public"): Ring {
  if (object === "ring") return ring;
  const { standby } = ring;
  return {
    ...ring,
    signer: { ...ring.signer, canSign: object === "signer" && ring.signer.canSign },
    ...(standby && { standby: { ...standby, canSign: false } }),
    retiring: ring.retiring.map((key) => ({ ...key, canSign: false })),
    revoked: object === "signer" ? ring.revoked : ring.revoked.map(({ reason: _secret, ...rest }) => rest),
  };
}
