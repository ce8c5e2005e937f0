import { describe, expect, it } from "vitest";
import { gatewayRules } from "./knockouts/gateways.ts";
import { retiring } from "./knockouts/retiring.ts";
import { signing } from "./knockouts/signing.ts";
import { search } from "./search.ts";

// Each rule of the design does something: without it, the model finds a history that breaks a promise.
describe.each([
  ["from created to signing", signing],
  ["from signing to gone", retiring],
  ["gateways and shells", gatewayRules],
])("the model fails without a rule: %s", (_, knockouts) => {
  it.each(knockouts)("$rule – $out", ({ scenario, ends }) => {
    const { violation, exhausted } = search(scenario, { maxStates: 150_000 });
    const nothing = `nothing found, ${exhausted ? "to the end" : "within the limit"}`;
    expect(violation?.at(-1) ?? nothing).toMatch(ends);
  });
});
