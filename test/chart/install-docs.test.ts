import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { isRecord } from "../../hack/chart/comments.ts";
import { root } from "../../hack/run.ts";
import { readManifests } from "../../hack/testcluster/apply.ts";
import { labels } from "../../src/parse/api-names.ts";
import { kindsOf, render, runHelm } from "./support/render.ts";

const page = await readFile(join(root, "docs/install.md"), "utf8");
const blocks = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, text = ""]) => text);

/** The values that a document of the page gives the chart: a file of values, an Application, a HelmRelease. */
function valuesIn(document: unknown): object | undefined {
  // A Chart.yaml has none
  if (!isRecord(document) || "dependencies" in document) return undefined;
  if (document["kind"] === undefined) return document;
  const { spec } = document as {
    spec: { values?: object; source?: { helm: { valuesObject: object } }; chartRef?: object };
  };
  return spec.source?.helm.valuesObject ?? spec.values ?? (spec.chartRef && {});
}

describe("docs/install.md", () => {
  const values = blocks("yaml").flatMap((text) => parseAllDocuments(text).map((document) => valuesIn(document.toJS())));

  it.each(values.filter((one) => one !== undefined))("has values that the chart takes: %j", async (one) => {
    const kinds = kindsOf(await render(one));
    if ("rotations" in one) expect(kinds).toContain("JwtKeyRotation");
  });

  it("has six of them", () => {
    expect(values.filter((one) => one !== undefined)).toHaveLength(6);
  });

  it("calls Helm with commands and flags that it has", async () => {
    const lines = blocks("sh").flatMap((text) => text.split("\n").filter((line) => line.startsWith("helm ")));
    expect(lines.length).toBeGreaterThanOrEqual(4);
    for (const line of lines) {
      const { out } = await runHelm([line.split(" ")[1] ?? "", "--help"]);
      for (const [flag] of line.matchAll(/--[a-z-]+/g)) expect(out, line).toContain(flag);
    }
  });

  it("says who stays by the labels and names that there are", async () => {
    const definitions = await readManifests(join(root, "deploy/crds.yaml"));
    for (const { metadata } of definitions) expect(page).toContain(metadata.name);
    expect(page).toContain(labels.object);
  });
});
