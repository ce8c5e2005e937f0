import { describe, expect, test } from "vitest";
import { WireFields, lengthField, numberField, WireError } from "../../src/grpc/wire-fields.ts";

/** Every field with a length of these bytes: its number, and its text. */
function read(bytes: Buffer): [number, string][] {
  const fields = new WireFields(bytes);
  const found: [number, string][] = [];
  while (fields.next()) found.push([fields.id, fields.text("latin1")]);
  return found;
}

const hex = (text: string): Buffer => Buffer.from(text, "hex");

describe("WireFields", () => {
  test.each([
    ["nothing at all", "", []],
    ["a text", "0a0161", [[1, "a"]]],
    ["an empty one", "0a00", [[1, ""]]],
    [
      "a field twice",
      "0a01610a0162",
      [
        [1, "a"],
        [1, "b"],
      ],
    ],
    ["a number of two bytes, 64 bits, 32 bits and a text", "08800111000000000000000015000000001a0161", [[3, "a"]]],
    ["the longest number and a text", "08ffffffffffffffffff011a0161", [[3, "a"]]],
    ["a field of the highest number", "faffffff0f0161", [[536_870_911, "a"]]],
  ] as const)("gives those with a length: %s", (_, bytes, expected) => {
    expect(read(hex(bytes))).toEqual(expected);
  });

  test.each([
    ["a tag without a value", "0a"],
    ["a text that is one byte short", "0a0261"],
    ["a length that is cut off", "0a80"],
    ["a length beyond 32 bits", "0affffffff0f61"],
    ["a number of eleven bytes", "08ffffffffffffffffffff01"],
    ["a number that is cut off", "08ff"],
    ["64 bits that are cut off", "0900000000000000"],
    ["32 bits that are cut off", "0d000000"],
    ["field number 0", "020161"],
    ["a group", "0b0c"],
    ["the end of a group", "0c"],
    ["a wire type that is none", "0e"],
  ])("refuses %s", (_, bytes) => {
    expect(() => read(hex(bytes))).toThrow(WireError);
  });

  test("within a field never reads beyond its end", () => {
    // The inner message says two bytes, has one, and another field follows it
    const fields = new WireFields(hex("0a030a02610a00"));
    expect(fields.next()).toBe(true);
    expect(() => fields.within().next()).toThrow(WireError);
    expect(() => fields.next()).not.toThrow();
  });
});

describe("written fields", () => {
  test.each([0, 1, 127, 128, 16_383, 16_384, 70_000])("of %d characters are read again", (length) => {
    const value = "x".repeat(length);
    expect(read(Buffer.from(lengthField(15, value), "latin1"))).toEqual([[15, value]]);
  });

  test("are numbers as protobuf has them", () => {
    expect(Buffer.from(numberField(1, 0) + numberField(2, 401), "latin1").toString("hex")).toBe("0800109103");
  });
});
