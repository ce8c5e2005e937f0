import { describe, expect, it } from "vitest";
import { expectNoBreach } from "./report.ts";
import { gateways } from "./scenarios/gateways.ts";

describe("the model keeps every rule whatever gateways go through", () => {
  let states = 0;
  it.each(gateways)("$name: $about", (scenario) => {
    states += expectNoBreach(scenario).states;
  });

  it("has seen 50,000 states and more", () => {
    expect(states).toBeGreaterThan(50_000);
  });
});
