import { describe, expect, it } from "vitest";
import { expectNoBreach } from "./report.ts";
import { disasters } from "./scenarios/disasters.ts";

describe("the model keeps every rule whatever befalls the three objects", () => {
  let states = 0;
  it.each(disasters)("$name: $about", (scenario) => {
    states += expectNoBreach(scenario).states;
  });

  it("has seen 50,000 states and more", () => {
    expect(states).toBeGreaterThan(50_000);
  });
});
