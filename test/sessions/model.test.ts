import { describe, expect, it } from "vitest";
import { knockouts } from "./model/knockouts.ts";
import { scenarios, search } from "./model/scenarios.ts";

describe("sessions keep every promise in every history of a small world", () => {
  it.each(Object.values(scenarios))("$name: $about", { timeout: 300_000 }, (scenario) => {
    const { story, isExhausted, states } = search(scenario);
    expect(story ?? []).toEqual([]);
    expect(isExhausted).toBe(true);
    expect(states).toBeGreaterThan(1000);
  });
});

describe("the model fails without a rule", () => {
  it.each(knockouts)("$rule", { timeout: 300_000 }, ({ scenario, ends }) => {
    const { story, isExhausted } = search(scenario, 50_000);
    expect(story?.at(-1) ?? `nothing found, ${isExhausted ? "to the end" : "within the limit"}`).toMatch(ends);
  });
});
