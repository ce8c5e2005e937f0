import { describe, expect, it } from "vitest";
import { expectNoBreach } from "./report.ts";
import { passes } from "./scenarios/passes.ts";

describe("the model keeps every rule whatever controllers do", () => {
  let states = 0;
  it.each(passes)("$name: $about", (scenario) => {
    states += expectNoBreach(scenario).states;
  });

  it("has seen 50,000 states and more", () => {
    expect(states).toBeGreaterThan(50_000);
  });
});
