import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { breaches } from "./architecture/rule.ts";
import { scan } from "./architecture/scan.ts";

const root = join(import.meta.dirname, "..");

function runtimeDependencies(): string[] {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, object>;
  return Object.keys({ ...manifest["dependencies"], ...manifest["optionalDependencies"] });
}

test("src keeps the dependency rule", () => {
  const files = globSync("src/**/*.ts", { cwd: root }).map((file) => file.replaceAll("\\", "/"));
  const sources = files.map((file) => scan(file, readFileSync(join(root, file), "utf8")));
  expect(sources.length, "number of source files").toBeGreaterThan(0);
  expect(breaches(sources, runtimeDependencies())).toEqual([]);
});
