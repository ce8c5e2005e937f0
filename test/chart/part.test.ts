import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { type HelmMajor, helmMajors } from "../../hack/helm.ts";
import { chart, everything, podOf, render, type Rendered, runHelm, template, the } from "./support/render.ts";

let parent: string;

/** A chart that has this one as a part, as its users write it. */
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "keyturn-parent-"));
  const part = { name: "keyturn", version: "0.1.0", condition: "keyturn.enabled", tags: ["keys"] };
  const other = { name: "other", version: "0.1.0" };
  const described = { apiVersion: "v2", name: "shop", version: "1.0.0", dependencies: [part, other] };
  await writeFile(join(parent, "Chart.yaml"), JSON.stringify(described));
  await cp(chart, join(parent, "charts/keyturn"), { recursive: true });
  await cp(join(chart, "Chart.yaml"), join(parent, "charts/other/Chart.yaml"));
  await writeFile(
    join(parent, "charts/other/Chart.yaml"),
    JSON.stringify({ apiVersion: "v2", name: "other", version: "0.1.0" }),
  );
});
afterAll(() => rm(parent, { recursive: true, force: true }));

async function whole(values: object, major: HelmMajor): Promise<readonly Rendered[]> {
  const args = ["template", "shop", parent, "--namespace", "shop", "--values", "-"];
  const { code, out, err } = await runHelm(args, { major, input: JSON.stringify(values) });
  if (code !== 0) throw new Error(err);
  return parseAllDocuments(out)
    .map((document) => document.toJS() as Rendered | null)
    .filter((one) => one !== null);
}

const workloads = (objects: readonly Rendered[]) =>
  objects.filter(({ kind }) => kind === "Deployment" || kind === "Job").map((one) => podOf(one).spec);

describe.each(helmMajors)("a part of another chart, by Helm %i", (major) => {
  it("is rendered under the whole's name", async () => {
    const objects = await whole({}, major);
    expect(the(objects, "Deployment").metadata).toMatchObject({ name: "shop-keyturn-controller", namespace: "shop" });
  });

  it.each([
    [{ keyturn: { enabled: true } }, true],
    [{ keyturn: { enabled: false } }, false],
    [{ tags: { keys: true } }, true],
    [{ tags: { keys: false } }, false],
    [{ tags: { keys: false }, keyturn: { enabled: true } }, true],
    [{ tags: { keys: true }, keyturn: { enabled: false, replicaCount: 1 } }, false],
  ])("is there, or not, by condition and tags: %j", async (values, isThere) => {
    expect((await whole(values, major)).length > 0).toBe(isThere);
  });

  it("takes the registry and the pull secrets of the whole, and lets everything else through that is said to all", async () => {
    const global = {
      imageRegistry: "mirror.example:5000/proxy",
      imagePullSecrets: ["mirror", { name: "own" }],
      storageClass: "fast",
      other: { deep: [1, { two: 3 }] },
    };
    const keyturn = { enabled: true, imagePullSecrets: [{ name: "own" }], ...everything };
    const pods = workloads(await whole({ global, keyturn }, major));
    expect(pods).toHaveLength(4);
    for (const { containers, imagePullSecrets } of pods) {
      for (const { image } of containers) expect(image).toBe("mirror.example:5000/proxy/keyturn/keyturn:0.1.0");
      expect(imagePullSecrets).toEqual([{ name: "own" }, { name: "mirror" }]);
    }
  });

  it("still finds a typo", async () => {
    await expect(whole({ keyturn: { enabled: true, replicaCuont: 3 } }, major)).rejects.toThrow(/replicaCuont/);
  });
});

describe("global", () => {
  it.each([
    ["ghcr.io/keyturn/keyturn", "mirror.example/keyturn/keyturn"],
    ["localhost/keyturn", "mirror.example/keyturn"],
    ["registry:5000/a/b", "mirror.example/a/b"],
    ["keyturn/keyturn", "mirror.example/keyturn/keyturn"],
    ["keyturn", "mirror.example/keyturn"],
    ["keyturn.dev", "mirror.example/keyturn.dev"],
  ])("puts its registry in the place of the one in %s", async (repository, wanted) => {
    const digest = `sha256:${"a".repeat(64)}`;
    for (const [image, end] of [
      [{ repository, tag: "1" }, ":1"],
      [{ repository, digest }, `@${digest}`],
    ] as const) {
      const objects = await render({ image, global: { imageRegistry: "mirror.example" } });
      expect(workloads(objects)[0]?.containers[0].image).toBe(`${wanted}${end}`);
    }
  });

  it("says nothing when it is empty", async () => {
    const [plain, empty] = [await template(), await template({ global: { imageRegistry: "", imagePullSecrets: [] } })];
    expect(empty).toEqual(plain);
    expect(plain.out).not.toContain("imagePullSecrets");
  });
});

it("enabled, which a condition reads, switches nothing off by itself: false is refused", async () => {
  expect(await template({ enabled: true })).toMatchObject({ code: 0 });
  const { code, err } = await template({ enabled: false });
  expect(err).toMatch(/at '\/enabled': value must be true/);
  expect(code).toBe(1);
});
