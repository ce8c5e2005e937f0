import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { asVersion1 } from "../../src/crypto/pkcs8.ts";

/** As other libraries write it: with the public half behind (RFC 5958 §2, RFC 8410 §7). */
function version2(version1: Buffer, more: Buffer): Buffer {
  const headerBytes = version1[1] === 0x82 ? 4 : version1[1] === 0x81 ? 3 : 2;
  const content = Buffer.concat([Buffer.of(2, 1, 1), version1.subarray(headerBytes + 3), more]);
  const length = content.length < 0x80 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.of(0x30, ...length), content]);
}

const derOf = (type: "ed25519" | "rsa"): Buffer => {
  const { privateKey } =
    type === "rsa" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : generateKeyPairSync("ed25519");
  return privateKey.export({ format: "der", type: "pkcs8" });
};

describe("asVersion1", () => {
  const ed = derOf("ed25519");
  const publicBits = createPublicKey(createPrivateKey({ key: ed, format: "der", type: "pkcs8" }))
    .export({ format: "der", type: "spki" })
    .subarray(-32);

  test.each([
    ["primitive", Buffer.concat([Buffer.of(0x81, 0x21, 0), publicBits])],
    ["constructed", Buffer.concat([Buffer.of(0xa1, 0x23, 0x03, 0x21, 0), publicBits])],
    ["not there", Buffer.alloc(0)],
  ])("is the key of version 1, its public half %s", (_, more) => {
    expect(asVersion1(version2(ed, more))).toEqual(ed);
  });

  test("keeps attributes, and lengths of several bytes", () => {
    const rsa = derOf("rsa");
    expect(asVersion1(version2(rsa, Buffer.alloc(0)))).toEqual(rsa);
    const attributes = Buffer.of(0xa0, 0x02, 0x30, 0x00);
    const kept = asVersion1(version2(ed, attributes)) ?? Buffer.alloc(0);
    expect(kept.subarray(-4)).toEqual(attributes);
    expect(kept[1]).toBe(kept.length - 2);
  });

  const two = version2(ed, Buffer.of(0x81, 0x01, 0));
  test.each([
    ["nothing", Buffer.alloc(0)],
    ["version 1", ed],
    ["one byte more", Buffer.concat([two, Buffer.of(0)])],
    ["one byte less", two.subarray(0, -1)],
    ["no sequence", Buffer.of(2, 1, 1)],
    ["a length that never ends", Buffer.of(0x30, 0x80, 2, 1, 1, 0, 0)],
    ["a length longer than the bytes", Buffer.of(0x30, 0x83, 1, 0, 0)],
    ["an element that is cut off", Buffer.of(0x30, 4, 2, 1, 1, 4)],
    ["an empty version", Buffer.of(0x30, 2, 2, 0)],
  ])("says nothing of %s", (_, der) => {
    expect(asVersion1(der)).toBeUndefined();
  });
});
