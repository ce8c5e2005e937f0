import { describe, expect, it } from "vitest";
import { unusable } from "../../src/keeper/document-read.ts";
import { publishEach } from "../../src/keeper/projections.ts";
import type { ProjectionName } from "../../src/ring/codec.ts";
import type { Reading } from "../../src/ring/found.ts";
import type { Ring } from "../../src/ring/ring.ts";
import { active, ringOf } from "../support/rings.ts";

const before = ringOf({ generation: 100 });
const holding = (ring: Ring): Reading => ({ kind: "ring", ring, halves: [] });
/** The signer was revoked, and the standby signs. */
const revoking = ringOf({
  generation: 101,
  signer: active("k2"),
  revoked: [{ kid: "k1", revokedAtMs: 1 }],
});
const { state, kid, profile, createdAtMs, waitMs, activatedAtMs, windowMs, canSign } = active("k9");
const unpublished = ringOf({
  generation: 101,
  signer: { state, kid, profile, createdAtMs, waitMs, activatedAtMs, windowMs, canSign },
});

const withoutMaterials = (ring: Ring) => ({ ring, materials: new Map() });
const snapshotOf = (signer: Reading) => ({
  ring: unusable(holding(before)),
  signer: unusable(signer),
  public: unusable(holding(before)),
});

interface Scene {
  readonly ring: Ring;
  readonly refuse?: readonly ProjectionName[];
  readonly conflict?: ProjectionName;
  readonly signer?: Reading;
}

async function outcomeOf({ ring, refuse = [], conflict, signer = holding(before) }: Scene) {
  const tried: ProjectionName[] = [];
  const store = {
    publish: (object: ProjectionName) => {
      tried.push(object);
      return refuse.includes(object) ? Promise.reject(new Error("no")) : Promise.resolve(true);
    },
  };
  const { written, unwritten } = await publishEach(store, withoutMaterials(ring), {
    snapshot: snapshotOf(signer),
    conflicts: conflict === undefined ? [] : [{ object: conflict, problem: "it is somebody else's" }],
  });
  return { tried, written, refused: unwritten.map(({ object }) => object) };
}

describe("publishEach", () => {
  it("writes the public object first: a verifier knows a key before somebody signs with it", async () => {
    expect((await outcomeOf({ ring: before })).tried).toEqual(["public", "signer"]);
  });

  it("writes the signer object first while a revoked key stands anywhere", async () => {
    expect((await outcomeOf({ ring: revoking })).tried).toEqual(["signer", "public"]);
    const signer = holding(revoking);
    expect((await outcomeOf({ ring: revoking, signer })).tried).toEqual(["signer", "public"]);
  });

  it("writes the signer object though the public one is refused, in an emergency", async () => {
    const outcome = await outcomeOf({ ring: revoking, refuse: ["public"] });
    expect(outcome).toMatchObject({ written: ["signer"], refused: ["public"] });
  });

  it("writes the public object though the signer one is refused, in an emergency", async () => {
    const outcome = await outcomeOf({ ring: revoking, refuse: ["signer"] });
    expect(outcome).toMatchObject({ written: ["public"], refused: ["signer"] });
  });

  it("lets the signer object wait for the public one when there is no emergency", async () => {
    expect((await outcomeOf({ ring: before, refuse: ["public"] })).tried).toEqual(["public"]);
  });

  it.each<Reading>([{ kind: "absent" }, { kind: "unreadable", problem: "$.keys must be a list" }])(
    "mends a signer object that is $kind whatever is wrong with the public one, if its key was published",
    async (signer) => {
      const outcome = await outcomeOf({ ring: before, refuse: ["public"], signer });
      expect(outcome).toMatchObject({ written: ["signer"], refused: ["public"] });
      expect((await outcomeOf({ ring: unpublished, refuse: ["public"], signer })).tried).toEqual(["public"]);
    },
  );

  it.each<ProjectionName>(["signer", "public"])(
    "never writes a %s object that is somebody else's",
    async (conflict) => {
      const others = (["signer", "public"] as const).filter((object) => object !== conflict);
      expect((await outcomeOf({ ring: revoking, conflict })).tried).toEqual(others);
      expect((await outcomeOf({ ring: before, conflict })).tried).toEqual(others);
    },
  );

  it("says what it found up to date", async () => {
    const store = { publish: (object: ProjectionName) => Promise.resolve(object === "public") };
    const publishing = { snapshot: snapshotOf(holding(before)), conflicts: [] };
    const { written } = await publishEach(store, withoutMaterials(before), publishing);
    expect(written).toEqual(["public"]);
  });
});
