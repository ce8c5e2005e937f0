import { describe, expect, it } from "vitest";
import { DocumentOpener } from "../../src/keeper/document-read.ts";
import { encodeKeyRing, type RingObject } from "../../src/ring/codec.ts";
import { changed, type Json, type JsonPath } from "../support/documents.ts";
import { pairOf, realRing } from "../support/keys.ts";

const { ring, materials } = realRing();
const textOf = (object: RingObject): string => encodeKeyRing(ring, materials, object);
const altered = (object: RingObject, path: JsonPath, value: Json): string =>
  JSON.stringify(changed(JSON.parse(textOf(object)) as Json, path, value));
const other = pairOf("ES256", 5).material;

/** One that has opened the ring object. */
async function opened(): Promise<DocumentOpener> {
  const opener = new DocumentOpener();
  await opener.open(textOf("ring"), "ring");
  return opener;
}

describe("DocumentOpener, of a key that another document had,", () => {
  it("gives the very same halves, of which all else is made once", async () => {
    const opener = await opened();
    const known = (await opener.open(textOf("ring"), "ring")).materials.get(ring.signer.kid);
    const again = (await opener.open(textOf("signer"), "signer")).materials.get(ring.signer.kid);
    expect(again?.privateJwk).toBe(known?.privateJwk);
    expect(again?.publicJwk).toBe(known?.publicJwk);
  });

  it("gives no private half that the document does not have", async () => {
    const opener = await opened();
    const { materials: read } = await opener.open(textOf("public"), "public");
    expect([...read.values()].filter(({ privateJwk }) => privateJwk !== undefined)).toEqual([]);
    const signer = await opener.open(textOf("signer"), "signer");
    expect([...signer.materials].filter(([, each]) => each.privateJwk !== undefined)).toHaveLength(1);
  });

  it("refuses another private half all the same", async () => {
    const text = altered("signer", ["keys", 0, "privateJwk", "d"], other.privateJwk.d);
    await expect((await opened()).open(text, "signer")).rejects.toThrow("must be the private half of publicJwk");
  });

  it("refuses another public half all the same", async () => {
    const { kty, crv, x, y } = other.publicJwk as { kty: string; crv: string; x: string; y: string };
    const text = altered("public", ["keys", 0, "publicJwk"], { kty, crv, x, y });
    await expect((await opened()).open(text, "public")).rejects.toThrow("must be the RFC 7638 thumbprint");
  });

  it("proves a private half of which it knew the public one alone", async () => {
    const opener = new DocumentOpener();
    await opener.open(textOf("public"), "public");
    const text = altered("signer", ["keys", 0, "privateJwk", "d"], other.privateJwk.d);
    await expect(opener.open(text, "signer")).rejects.toThrow("must be the private half of publicJwk");
  });
});

describe("DocumentOpener, of a ring that was written here,", () => {
  it("gives the very same halves, which were proved when they were made", async () => {
    const made = await new DocumentOpener().open(textOf("ring"), "ring");
    const opener = new DocumentOpener();
    opener.wrote(made);
    const { materials: read } = await opener.open(textOf("ring"), "ring");
    for (const [kid, { publicJwk, privateJwk }] of made.materials) {
      expect(read.get(kid)?.publicJwk).toBe(publicJwk);
      expect(read.get(kid)?.privateJwk).toBe(privateJwk);
    }
  });

  it("takes no key for proved that nobody has proved", async () => {
    const { kid } = ring.signer;
    const known = materials.get(kid);
    if (!known?.privateJwk) throw new Error("Cannot test: the signer must have both halves");
    const wrong = { ...known, privateJwk: { ...known.privateJwk, d: other.privateJwk.d } };
    const opener = new DocumentOpener();
    opener.wrote({ ring, materials: new Map([...materials, [kid, wrong]]) });
    const text = altered("signer", ["keys", 0, "privateJwk", "d"], other.privateJwk.d);
    await expect(opener.open(text, "signer")).rejects.toThrow("must be the private half of publicJwk");
  });
});
