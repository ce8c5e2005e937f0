import { describe, expect, it } from "vitest";
import { placesKnockouts } from "./model/replicas/knockouts.ts";
import { placesScenarios, searchPlaces } from "./model/replicas/scenarios.ts";

describe("replicas keep every promise in every history of a small world", () => {
  it.each(Object.values(placesScenarios))("$name: $about", { timeout: 300_000 }, (scenario) => {
    const { story, isExhausted, states } = searchPlaces(scenario);
    expect(story ?? []).toEqual([]);
    expect(isExhausted).toBe(true);
    expect(states).toBeGreaterThan(1000);
  });
});

describe("the model of replicas fails without a rule", () => {
  it.each(placesKnockouts)("$rule", { timeout: 300_000 }, ({ scenario, ends }) => {
    const { story, isExhausted } = searchPlaces(scenario, 50_000);
    expect(story?.at(-1) ?? `nothing found, ${isExhausted ? "to the end" : "within the limit"}`).toMatch(ends);
  });
});
