import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeKeyRing, encodeKeyRing, type RingObject } from "../../src/ring/codec.ts";
import { ChangeNeededError } from "../../src/errors/keyturn-error.ts";
import { pairOf, realRing, secretsOf } from "../support/keys.ts";
import { anyKeyRing, seenIn } from "../support/ring-arbitrary.ts";
import { active, prepared } from "../support/rings.ts";
import { epoch, hour, minute } from "../support/story.ts";

const objects: readonly RingObject[] = ["ring", "signer", "public"];

/** Hundreds of documents, on a machine that may be busy. */
const timeout = 60_000;

describe("encodeKeyRing and decodeKeyRing", { timeout }, () => {
  test.each(objects)("give back the facts that the %s object shows, for any ring", (object) => {
    fc.assert(
      fc.property(anyKeyRing, ({ ring, materials }) => {
        const decoded = decodeKeyRing(encodeKeyRing(ring, materials, object), object);
        expect(decoded.ring).toStrictEqual(seenIn(ring, object));
      }),
    );
  });

  test("give back every half from the ring object, for any ring", () => {
    fc.assert(
      fc.property(anyKeyRing, ({ ring, materials }) => {
        const decoded = decodeKeyRing(encodeKeyRing(ring, materials, "ring"), "ring");
        expect([...decoded.materials]).toStrictEqual([...materials]);
      }),
    );
  });

  test.each(objects)("write the %s object the same again after reading it, for any ring", (object) => {
    fc.assert(
      fc.property(anyKeyRing, ({ ring, materials }) => {
        const text = encodeKeyRing(ring, materials, object);
        const decoded = decodeKeyRing(text, object);
        expect(encodeKeyRing(decoded.ring, decoded.materials, object)).toBe(text);
      }),
    );
  });
});

describe("encodeKeyRing", () => {
  const change = {
    revoked: [{ kid: "k0", thumbprint: "t0", revokedAtMs: epoch, reason: "laptop stolen" }],
    revokedBefore: { requestedMs: epoch + hour, effectiveMs: epoch },
    longerMaxAge: { maxAgeMs: 15 * minute, loweredAtMs: epoch },
    handledRequests: ["spec:2026-11-21"],
  };
  const { ring, materials } = realRing("ES256", change);
  const [signer, standby, older] = [pairOf("ES256", 0), pairOf("ES256", 1), pairOf("RS256", 7)];

  test("lets out the signer's private half and no other in the signer object", () => {
    const text = encodeKeyRing(ring, materials, "signer");
    expect(text).toContain(secretsOf([signer.material])[0]);
    for (const secret of secretsOf([standby.material, older.material])) expect(text).not.toContain(secret);
    expect(text.match(/"privateJwk"/g)).toHaveLength(1);
  });

  test("lets out no private half and no reason in the public object", () => {
    const text = encodeKeyRing(ring, materials, "public");
    for (const secret of secretsOf(materials.values())) expect(text).not.toContain(secret);
    expect(text).not.toMatch(/privateJwk|"reason"|stolen|"(?:d|p|q|dp|dq|qi)":/);
  });

  test("lets out public members alone, even if somebody passes a private JWK off as a public one", () => {
    const whole = new Map(
      [...materials].map(([kid, { publicJwk, privateJwk }]) => [kid, { publicJwk: privateJwk ?? publicJwk }]),
    );
    expect(encodeKeyRing(ring, whole, "public")).toBe(encodeKeyRing(ring, materials, "public"));
  });

  test("forgets a private half when the facts say that the key can't sign any more", () => {
    const retiring = ring.retiring.map((key) => ({ ...key, canSign: false }));
    const text = encodeKeyRing({ ...ring, retiring }, materials, "ring");
    for (const secret of secretsOf([older.material])) expect(text).not.toContain(secret);
  });

  test("writes members in a fixed order, durations in seconds and instants in UTC with three decimals", () => {
    expect(encodeKeyRing(ring, materials, "public")).toBe(
      `${JSON.stringify(
        {
          format: "keyturn.dev/keyring/v1",
          rotation: { namespace: "default", name: "gateway" },
          generation: 100,
          settings: {
            clockSkewSeconds: 60,
            jwksMaxAgeSeconds: 900,
            mintMaxTTLSeconds: 3600,
            rotationWindowSeconds: 7200,
          },
          keys: [
            {
              ...wireFacts(signer.kid, "ES256", "active"),
              activatedAt: "2026-11-13T00:00:00.000Z",
              windowSeconds: 7200,
              publicJwk: signer.material.publicJwk,
            },
            { ...wireFacts(standby.kid, "ES256", "prepared"), publicJwk: standby.material.publicJwk },
            {
              ...wireFacts(older.kid, "RS256", "verify-only"),
              ...wireRetirement(100),
              publicJwk: older.material.publicJwk,
            },
            {
              ...wireFacts(pairOf("EdDSA", 7).kid, "EdDSA", "verify-only"),
              ...wireRetirement(97),
              publicJwk: pairOf("EdDSA", 7).material.publicJwk,
            },
          ],
          revoked: [{ kid: "k0", thumbprint: "t0", revokedAt: "2026-11-21T00:00:00.000Z" }],
          revokedBefore: { requested: "2026-11-21T01:00:00.000Z", effective: "2026-11-21T00:00:00.000Z" },
          longerMaxAge: { maxAgeSeconds: 900, loweredAt: "2026-11-21T00:00:00.000Z" },
          handledRequests: ["spec:2026-11-21"],
        },
        undefined,
        2,
      )}\n`,
    );
  });

  const noHalves = new Map([...materials].map(([kid, { publicJwk }]) => [kid, { publicJwk }]));
  test.each([
    {
      when: "a key has no material",
      wrong: { ring, materials: new Map() },
      message: "the active key has no material",
    },
    {
      when: "a key that can sign has no private half",
      wrong: { ring, materials: noHalves },
      message: "the active key can sign, but its private half is missing",
    },
    {
      when: "a duration is no whole number of seconds",
      wrong: { ring: { ...ring, signer: { ...ring.signer, windowMs: 1500 } }, materials },
      message: "$.keys[0].windowSeconds: must be a whole number from 0 to 9007199254740, is 1.5",
    },
    {
      when: "two keys have one kid",
      wrong: { ring: { ...ring, standby: prepared(ring.signer.kid) }, materials },
      message: "$.keys[1].kid: must be unique, a text of 43 characters stands in $.keys[0] too",
    },
  ])("refuses to write what nobody could read back: $when", ({ wrong, message }) => {
    expect(() => encodeKeyRing(wrong.ring, wrong.materials, "ring")).toThrow(
      new ChangeNeededError("RingUnreadable", `Cannot write key ring: ${message}`),
    );
  });
});

describe("decodeKeyRing", () => {
  const { ring, materials } = realRing();

  test("reads canSign off the document: every half in ring, the signer's in signer, none in public", () => {
    const canSign = (object: RingObject): readonly boolean[] => {
      const read = decodeKeyRing(encodeKeyRing(ring, materials, object), object).ring;
      return [read.signer.canSign, read.standby?.canSign ?? false, ...read.retiring.map((key) => key.canSign)];
    };
    expect(canSign("ring")).toStrictEqual([true, true, true, false]);
    expect(canSign("signer")).toStrictEqual([true, false, false, false]);
    expect(canSign("public")).toStrictEqual([false, false, false, false]);
  });

  test("derives modulusBits from the modulus, and gives none to other keys", () => {
    const read = decodeKeyRing(encodeKeyRing(ring, materials, "public"), "public").ring;
    expect(read.retiring.map((key) => key.modulusBits)).toStrictEqual([2048, undefined]);
    expect("modulusBits" in read.signer).toBe(false);
  });

  test("reads a signer whose private half is lost", () => {
    const lost = { ...ring, signer: active(ring.signer.kid, { canSign: false }) };
    for (const object of objects) {
      expect(decodeKeyRing(encodeKeyRing(lost, materials, object), object).ring.signer.canSign).toBe(false);
    }
  });

  test("takes a cutoff that came into effect as requested", () => {
    const revokedBefore = { requestedMs: epoch, effectiveMs: epoch };
    const text = encodeKeyRing({ ...ring, revokedBefore }, materials, "ring");
    expect(decodeKeyRing(text, "ring").ring.revokedBefore).toStrictEqual(revokedBefore);
  });

  test("keeps the order of verify-only keys and takes the others from any place", () => {
    const document = JSON.parse(encodeKeyRing(ring, materials, "public")) as { keys: readonly unknown[] };
    const turned = { ...document, keys: [...document.keys].reverse() };
    const read = decodeKeyRing(JSON.stringify(turned), "public").ring;
    expect(read.signer.kid).toBe(ring.signer.kid);
    expect(read.standby?.kid).toBe(ring.standby?.kid);
    expect(read.retiring.map(({ kid }) => kid)).toStrictEqual([...ring.retiring].reverse().map(({ kid }) => kid));
  });
});

function wireFacts(kid: string, algorithm: string, state: string): object {
  return {
    kid,
    profile: { algorithm, issuer: "https://issuer.example", audiences: ["api", "admin"], maxTTLSeconds: 3600 },
    state,
    createdAt: "2026-11-11T00:00:00.000Z",
    waitSeconds: 1800,
    publishedAt: "2026-11-12T00:00:00.000Z",
  };
}

function wireRetirement(demotedInGeneration: number): object {
  return {
    activatedAt: "2026-11-13T00:00:00.000Z",
    windowSeconds: 7200,
    demotedAt: "2026-11-20T23:59:00.000Z",
    demotedInGeneration,
  };
}
