import { describe, expect, it } from "vitest";
import { resource, seeing } from "../cluster/support/resources.ts";
import { decide } from "../../src/ring/decide.ts";
import { RotationMemory } from "../../src/controller/rotation-memory.ts";

const object = resource();

/** 101 writes, a millisecond each, of a pass that obeyed this generation of the resource. */
function quarrelled(generation = object.metadata.generation): RotationMemory {
  const memory = new RotationMemory("uid");
  const observation = seeing();
  memory.passed({ seen: { observation }, decision: decide(observation) }, resource({}, { generation }));
  for (let atMs = 0; atMs <= 100; atMs++) memory.wrote(atMs);
  return memory;
}

describe("RotationMemory.quarrelOver", () => {
  it("sees a quarrel while the resource is the one that was obeyed", () => {
    expect(quarrelled().quarrelOver(object, 100)?.reason).toBe("Quarrel");
  });

  it("sees none where something new is asked for", () => {
    expect(quarrelled(2).quarrelOver(object, 100)).toBeUndefined();
  });
});
