import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { staticFile, staticInstall } from "../../hack/chart/static.ts";
import { readManifests } from "../../hack/testcluster/apply.ts";

it("deploy/keyturn.yaml is what Helm renders: node hack/chart/static.ts makes it anew", async () => {
  expect(await readFile(staticFile, "utf8")).toBe(await staticInstall());
});

it("deploy/keyturn.yaml makes its namespace first, and nothing in it looks like a release of Helm", async () => {
  const objects = await readManifests(staticFile);
  expect(objects[0]).toMatchObject({ kind: "Namespace", metadata: { name: "keyturn-system" } });
  expect(JSON.stringify(objects)).not.toMatch(/helm/i);
  expect(objects.filter(({ kind }) => kind === "Deployment")).toHaveLength(1);
});
