import { describe, expect, it } from "vitest";
import { expectNoBreach } from "./report.ts";
import { people } from "./scenarios/people.ts";

describe("the model keeps every rule whatever people ask for", () => {
  let states = 0;
  it.each(people)("$name: $about", (scenario) => {
    states += expectNoBreach(scenario).states;
  });

  it("has seen 50,000 states and more", () => {
    expect(states).toBeGreaterThan(50_000);
  });
});
