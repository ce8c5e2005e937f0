import { describe, expect, test } from "vitest";
import { ProtobufMessage, type WireMessages } from "../../src/parse/protobuf.ts";

const messages: WireMessages = {
  Letter: {
    fields: {
      page: { type: "Page", id: 1 },
      to: { type: "string", id: 2 },
      seal: { type: "bytes", id: 3 },
      isOpen: { type: "bool", id: 4 },
      sentAt: { type: "int64", id: 200 },
    },
  },
  Page: { fields: { number: { type: "uint32", id: 1 } } },
};
const letter = new ProtobufMessage(messages, "Letter");
const bytes = (hex: string): Uint8Array => Buffer.from(hex, "hex");

describe("a message in protobuf's binary form", () => {
  test.each([
    ["nothing", {}, ""],
    ["a message within, also an empty one", { page: {} }, "0a00"],
    ["a number within", { page: { number: 300 } }, "0a0308ac02"],
    ["a text that is no ASCII", { to: "ü" }, "1202c3bc"],
    ["a text that begins with a byte order mark", { to: "\uFEFFa" }, "1204efbbbf61"],
    ["bytes", { seal: bytes("00ff") }, "1a0200ff"],
    ["what is true", { isOpen: true }, "2001"],
    ["an instant, beyond 32 bits, under a number beyond 16", { sentAt: 1_800_000_000_001 }, "c00c81a0f1c2b134"],
  ])("has %s", (_, value, hex) => {
    expect(Buffer.from(letter.write(value)).toString("hex")).toBe(hex);
    expect(letter.read(bytes(hex))).toEqual("seal" in value ? { seal: new Uint8Array(bytes("00ff")) } : value);
  });

  test("leaves out what every field has by itself", () => {
    const value = { to: "", seal: new Uint8Array(), isOpen: false, sentAt: 0, page: undefined, other: "x" };
    expect(letter.write(value)).toHaveLength(0);
  });

  test("leaves as many bytes before it as it is asked to", () => {
    expect([...letter.write({ isOpen: true }, 5)]).toEqual([0, 0, 0, 0, 0, 0x20, 1]);
  });

  test("passes over fields of a newer protocol, of each kind", () => {
    expect(letter.read(bytes(["2801", "310203040506070809", "3a0161", "4501020304", "2001"].join("")))).toEqual({
      isOpen: true,
    });
  });

  test.each([
    ["a tag that is cut off", "80"],
    ["a tag without a value", "20"],
    ["a number without an end", "20ffffffffffffffffffffff01"],
    ["a text that is cut off", "120561"],
    ["a message within that is none", "0a0108"],
    ["a group, which nothing has had since proto3", "2b2c"],
    ["a kind that there is not", "26"],
    ["a text where a number should be", "220161"],
    ["a number where a message should be", "0801"],
  ])("is none with %s", (_, hex) => {
    expect(letter.read(bytes(hex))).toBeUndefined();
  });

  test("keeps no more in memory than what it says", () => {
    const read = Buffer.alloc(65_536);
    read.set(bytes("1a0200ff"));
    const { seal } = letter.read(read.subarray(0, 4)) ?? {};
    expect(seal instanceof Uint8Array && seal.buffer.byteLength).toBe(2);
  });
});
