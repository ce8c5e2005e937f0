import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scenarios } from "../model/scenarios/index.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/testing.md"), "utf8");

test("docs/testing.md counts the scenarios that there are, and names those that stop at a depth", () => {
  const said =
    /visited [\d,]+ states in (\d+) scenarios and found no violation; (\d+) of them were seen to their end; (.*?) stop/s;
  const [, all = "", toTheEnd = "", others = ""] = said.exec(page) ?? [];
  const stopped = [...others.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
  expect([Number(all), Number(toTheEnd)]).toEqual([scenarios.length, scenarios.length - stopped.length]);
  expect(scenarios.map(({ name }) => name)).toEqual(expect.arrayContaining(stopped));
});
