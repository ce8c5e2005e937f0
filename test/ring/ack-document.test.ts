import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyRingAck, parseKeyRingAck } from "../../src/ring/ack-document.ts";
import { ChangeNeededError } from "../../src/errors/keyturn-error.ts";
import { changed, gone, type Json } from "../support/documents.ts";

const document: Json = {
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "KeyRingAck",
  metadata: { name: "0b5f.gateway", namespace: "default", uid: "1", managedFields: [] },
  rotation: "gateway",
  podName: "gw-1",
  generation: 100,
  verifies: ["k1", "k2"],
  signs: "k1",
};
const many = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `k${i}`);

describe("parseKeyRingAck", () => {
  test("gives who states what about which rotation", () => {
    expect(parseKeyRingAck(document)).toStrictEqual({
      rotation: "gateway",
      podName: "gw-1",
      ack: { generation: 100, verifies: ["k1", "k2"], signs: "k1" },
    });
  });

  test("leaves signs out when the gateway can't mint", () => {
    expect("signs" in parseKeyRingAck(changed(document, ["signs"], gone)).ack).toBe(false);
  });

  test("tells that the source is unfit, and nothing where it is not", () => {
    const [unfit, fit] = [true, false].map((value) => changed(document, ["sourceUnfit"], value));
    expect(parseKeyRingAck(unfit)).toMatchObject({ ack: { sourceUnfit: true } });
    expect(parseKeyRingAck(fit)).toStrictEqual(parseKeyRingAck(document));
  });

  test("takes generation 0 and an empty list: starting", () => {
    const starting = changed(changed(document, ["generation"], 0), ["verifies"], []);
    expect(parseKeyRingAck(starting).ack).toStrictEqual({ generation: 0, verifies: [], signs: "k1" });
  });

  test("ignores members that it does not know: a newer gateway", () => {
    expect(parseKeyRingAck(changed(document, ["mood"], "good"))).toStrictEqual(parseKeyRingAck(document));
  });

  test("takes as many kids, and as long ones, as the bounds say", () => {
    const longest = changed(document, ["verifies"], [...many(31), "k".repeat(256)]);
    expect(parseKeyRingAck(longest).ack.verifies).toHaveLength(32);
  });

  const kid = "must be a text of 1 to 256 characters without control characters";
  const name = "must be a text of 1 to 253 characters without control characters";
  const generation = "$.generation: must be a whole number from 0 to 9007199254740991";
  test.each<readonly [string, Json | typeof gone, string]>([
    ["apiVersion", "v1", '$.apiVersion: must be keyturn.dev/v1alpha1, is "v1"'],
    ["kind", "KeyRing", '$.kind: must be KeyRingAck, is "KeyRing"'],
    ["kind", gone, "$.kind: is missing"],
    ["sourceUnfit", "yes", '$.sourceUnfit: must be true or false, is "yes"'],
    ["rotation", gone, "$.rotation: is missing"],
    ["rotation", "r".repeat(254), `$.rotation: ${name}, is a text of 254 characters`],
    ["podName", "", `$.podName: ${name}, is ""`],
    ["podName", "a\u001bb", `$.podName: ${name}, is "a\\u001bb"`],
    ["generation", -1, `${generation}, is -1`],
    ["generation", 1.5, `${generation}, is 1.5`],
    ["generation", 2 ** 53, `${generation}, is 9007199254740992`],
    ["generation", "1", `${generation}, is "1"`],
    ["verifies", "k1", '$.verifies: must be a list, is "k1"'],
    ["verifies", many(33), "$.verifies: must have at most 32 items, has 33"],
    ["verifies", ["k1", 2], `$.verifies[1]: ${kid}, is 2`],
    ["signs", null, `$.signs: ${kid}, is null`],
    ["signs", "k".repeat(257), `$.signs: ${kid}, is a text of 257 characters`],
  ])("refuses %s = %j", (member, value, message) => {
    const parse = (): unknown => parseKeyRingAck(changed(document, [member], value));
    expect(parse).toThrow(new ChangeNeededError("AckUnreadable", `Cannot read acknowledgement: ${message}`));
  });

  test.each([undefined, null, "text", [document]])("refuses %j, which is no object", (value) => {
    expect(() => parseKeyRingAck(value)).toThrow("Cannot read acknowledgement: $: must be an object");
  });

  test("does not read inherited members", () => {
    expect(() => parseKeyRingAck(Object.create(document as object))).toThrow("$.apiVersion: is missing");
  });
});

describe("keyRingAck", () => {
  test("keeps the caller's metadata and writes what parseKeyRingAck gives back, for any ack", () => {
    const kids = fc.stringMatching(/^[\w-]{1,60}$/);
    const acks = fc.record(
      {
        generation: fc.maxSafeNat(),
        writeId: fc.stringMatching(/^[\w-]{1,32}$/),
        verifies: fc.array(kids, { maxLength: 32 }),
        signs: kids,
      },
      { requiredKeys: ["generation", "verifies"], noNullPrototype: true },
    );
    fc.assert(
      fc.property(acks, (ack) => {
        const metadata = { name: "0b5f.gateway", labels: { "keyturn.dev/rotation": "gateway" } };
        const made = keyRingAck(metadata, { rotation: "gateway", podName: "gw-1", ack });
        expect(made.metadata).toBe(metadata);
        const stored: unknown = JSON.parse(JSON.stringify(made));
        expect(parseKeyRingAck(stored)).toStrictEqual({ rotation: "gateway", podName: "gw-1", ack });
      }),
    );
  });
});
