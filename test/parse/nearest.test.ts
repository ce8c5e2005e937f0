import { expect, test } from "vitest";
import { nearest } from "../../src/parse/nearest.ts";

test.each([
  ["shpo", ["billing", "shop"], "shop"],
  ["shop", ["shops", "shop"], "shop"],
  ["sho", ["shop"], "shop"],
  ["shopp", ["shop"], "shop"],
  ["xyz", ["shop"], undefined],
  ["", ["ab"], undefined],
  ["", [], undefined],
  ["billing-prod", ["billing-test", "billing-prd"], "billing-prd"],
])("nearest to %j of %j is %j", (typed, names, meant) => {
  expect(nearest(typed, names)).toBe(meant);
});
