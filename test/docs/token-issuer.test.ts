import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { foreignChecks } from "../../src/issuer/callers/caller.ts";
import { allowedFields } from "../../src/issuer/config/read-allowed.ts";
import { clientFields, issuerSpecFields } from "../../src/issuer/config/read-token-issuer.ts";
import { ruleFields, trustFields } from "../../src/issuer/config/read-trust.ts";

const page = readFileSync(new URL("../../docs/token-issuer.md", import.meta.url), "utf8");

/** What stands in backquotes in the first column of the table below the heading. */
function namesBelow(heading: string): readonly string[] {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  const rows = (section.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
}

describe("docs/token-issuer.md", () => {
  test.each<[heading: string, fields: readonly string[]]>([
    ["spec", issuerSpecFields],
    ["spec.clients[]", clientFields],
    ["spec.trust[]", trustFields],
    ["spec.trust[].rules[]", ruleFields],
    ["allow", allowedFields],
  ])("has every field of %s, and no other", (heading, fields) =>
    expect([...namesBelow(heading)].sort()).toEqual([...fields].sort()),
  );

  test("has every check of a foreign token", () =>
    expect(namesBelow("Why was it refused?")).toEqual(expect.arrayContaining([...foreignChecks])));
});
