import { describe, expect, it } from "vitest";
import { readRotation } from "../../../src/ring/resource/rotation.ts";
import type { Emergency } from "../../../src/ring/resource/emergency-fields.ts";
import { resource, revoked } from "./resource.ts";

/** Of a resource that something else is wrong with, too. */
function emergencyIn(spec: object, metadata: object = {}): Emergency {
  const read = readRotation(resource({ rotation: { interval: "soon" }, ...spec }, metadata));
  if (!("refused" in read)) throw new Error("nothing is wrong with it");
  return read.emergency;
}

describe("the emergency in a spec that can't be used", () => {
  it("is all that the three fields say", () => {
    const spec = {
      activeKid: "a",
      revokedKids: [{ kid: "b", reason: "c" }],
      revokeKeysCreatedBefore: "2026-11-21T10:00:00Z",
    };
    expect(emergencyIn(spec)).toEqual({
      pinnedKid: "a",
      revokedKids: [{ kid: "b", reason: "c" }],
      revokeCreatedBeforeMs: Date.UTC(2026, 10, 21, 10),
    });
    expect(emergencyIn({})).toEqual({ revokedKids: [] });
  });

  it.each([
    ["no object", ["b", 1, null, [], { kid: "good" }]],
    ["without a kid", [{ reason: "x" }, { kid: "good" }]],
    ["with a kid that is none", [{ kid: 1 }, { kid: "" }, { kid: "a\nb" }, { kid: "x".repeat(257) }, { kid: "good" }]],
    ["with an unknown field", [{ kid: "good", why: "typo" }]],
    ["with a reason that is none", [{ kid: "good", reason: 1 }]],
    ["twice there", [{ kid: "good" }, { kid: "good", reason: "again" }]],
  ])("has the good entry beside one that is %s", (_, revokedKids) => {
    expect(emergencyIn({ revokedKids }).revokedKids).toEqual([{ kid: "good" }]);
  });

  it.each(["b", { kid: "b" }, 5, true])("has none of a list that is %j", (revokedKids) => {
    expect(emergencyIn({ revokedKids }).revokedKids).toEqual([]);
  });

  it("has the last 128 of a list that is too long", () => {
    expect(emergencyIn({ revokedKids: revoked(65) }).revokedKids).toHaveLength(65);
    const { revokedKids } = emergencyIn({ revokedKids: revoked(200) });
    expect([revokedKids.length, revokedKids[0]?.kid, revokedKids.at(-1)?.kid]).toEqual([128, "kid-72", "kid-199"]);
  });

  it("has nothing of an instant or a pin that is none, and the others all the same", () => {
    const spec = { revokeKeysCreatedBefore: "yesterday", activeKid: 5, revokedKids: [{ kid: "good" }] };
    expect(emergencyIn(spec)).toEqual({ revokedKids: [{ kid: "good" }] });
  });

  it.each([undefined, null, "text", [], 5, { spec: "none" }, { spec: null }])(
    "is empty where the resource is %j",
    (value) => {
      const read = readRotation(value);
      expect("refused" in read && read.emergency).toEqual({ revokedKids: [] });
    },
  );
});

describe("readRotation", () => {
  it("has of the frame what can be read, and an empty name for one that can't be", () => {
    const read = readRotation(resource({ secretName: "keys", rotationWindow: "1s" }, { name: "A B" }));
    expect(read).toMatchObject({ ref: { namespace: "edge", name: "" }, secretName: "keys", deletionPolicy: "Retain" });
  });
});
