import { describe, expect, test } from "vitest";
import { openKeyRing } from "../../src/crypto/open.ts";
import { decodeKeyRing, encodeKeyRing, type RingObject } from "../../src/ring/codec.ts";
import { ChangeNeededError } from "../../src/errors/keyturn-error.ts";
import { at, changed, type Json } from "../support/documents.ts";
import { pairOf, realRing, secretsOf } from "../support/keys.ts";

/** Keys: 0 active ES256, 1 prepared ES256, 2 verify-only RS256 with its private half, 3 verify-only EdDSA without. */
const { ring, materials } = realRing();
const objects: readonly RingObject[] = ["ring", "signer", "public"];
const documentOf = (object: RingObject): Json => JSON.parse(encodeKeyRing(ring, materials, object)) as Json;

async function refusal(document: Json, object: RingObject): Promise<string> {
  const failure: unknown = await openKeyRing(JSON.stringify(document), object).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ChangeNeededError);
  const { code, message, cause } = failure as ChangeNeededError;
  expect(code).toBe("RingUnreadable");
  expect(cause).toBeUndefined();
  for (const secret of secretsOf(materials.values())) expect(message).not.toContain(secret.slice(0, 8));
  return message.replace(/^Cannot read key ring: /, "");
}

const kidReason = ".kid: must be the RFC 7638 thumbprint of publicJwk: the key was not adopted";
const halfReason = ".privateJwk: must be the private half of publicJwk";

describe("openKeyRing", () => {
  test.each(objects)("gives what decodeKeyRing reads from a sound %s object", async (object) => {
    const text = encodeKeyRing(ring, materials, object);
    expect(await openKeyRing(text, object)).toStrictEqual(decodeKeyRing(text, object));
  });

  test.each(objects)("refuses a kid that is not the thumbprint in the %s object", async (object) => {
    expect(await refusal(changed(documentOf(object), ["keys", 1, "kid"], "chosen"), object)).toBe(
      `$.keys[1]${kidReason}`,
    );
  });

  test.each(objects)("takes the kid of an adopted key as it is in the %s object", async (object) => {
    const renamed = changed(documentOf(object), ["keys", 1, "kid"], "chosen");
    const adopted = changed(renamed, ["keys", 1, "adoptedAt"], "2026-11-21T00:00:00.000Z");
    const { ring: opened, materials: read } = await openKeyRing(JSON.stringify(adopted), object);
    expect([...read.keys()][1]).toBe("chosen");
    expect(opened.standby).toMatchObject({ kid: "chosen", thumbprint: ring.standby?.kid });
  });

  test.each([
    { whose: "the signer's in the ring object", object: "ring", index: 0 },
    { whose: "the signer's in the signer object", object: "signer", index: 0 },
    { whose: "the standby's", object: "ring", index: 1 },
  ] as const)("refuses halves that do not fit: $whose", async ({ object, index }) => {
    const { d } = pairOf("ES256", 5).material.privateJwk;
    const wrong = changed(documentOf(object), ["keys", index, "privateJwk", "d"], d);
    expect(await refusal(wrong, object)).toBe(`$.keys[${index}]${halfReason}`);
  });

  test.each(["d", "p", "q", "dp", "dq", "qi"] as const)("refuses an RSA key with a foreign %s", async (member) => {
    const foreign = at(pairOf("RS256", 1).material.privateJwk, [member]);
    const wrong = changed(documentOf("ring"), ["keys", 2, "privateJwk", member], foreign);
    expect(await refusal(wrong, "ring")).toBe(`$.keys[2]${halfReason}`);
  });

  test("refuses a public half that is no point of its curve, adopted or not", async () => {
    const y = at(pairOf("ES256", 5).material.publicJwk, ["y"]);
    const off = changed(documentOf("public"), ["keys", 0, "publicJwk", "y"], y);
    expect(await refusal(off, "public")).toBe(`$.keys[0]${kidReason}`);
    const adopted = changed(off, ["keys", 0, "adoptedAt"], "2026-11-21T00:00:00.000Z");
    expect(await refusal(adopted, "public")).toBe("$.keys[0].publicJwk: must be a point of its curve");
  });

  test("names the first of several faults, wherever the keys stand", async () => {
    const keys = [...(at(documentOf("ring"), ["keys"]) as readonly Json[])].reverse();
    const wrong = changed(
      changed(changed(documentOf("ring"), ["keys"], keys), ["keys", 3, "kid"], "a"),
      ["keys", 2, "kid"],
      "b",
    );
    expect(await refusal(wrong, "ring")).toBe(`$.keys[2]${kidReason}`);
  });

  test("rejects what decodeKeyRing refuses, with its reason", async () => {
    expect(await refusal(changed(documentOf("ring"), ["generation"], 0), "ring")).toContain("$.generation: must be");
    await expect(openKeyRing("{", "ring")).rejects.toThrow("Cannot read key ring: $: must be JSON");
  });
});
