import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { staticFile } from "../../../hack/chart/static.ts";
import { helmMajors } from "../../../hack/helm.ts";
import { root } from "../../../hack/run.ts";
import { pathOf, readManifests } from "../../../hack/testcluster/apply.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { admin, exists, gone, hasKubectl, kubectl } from "../support/scene.ts";
import { makeFolder } from "../tools/support/person.ts";
import { Release, removeDefinitions, succeeded } from "./support/release.ts";

const namespace = "keyturn-system";
const page = await readFile(join(root, "docs/install.md"), "utf8");
const [, program = ""] = /^kubectl get -f \S+ (.* \| sed '.*') \| kubectl replace -f -$/m.exec(page) ?? [];

/** The first command of the page, with the file of this tree in the place of the released one. */
async function handOver(): Promise<void> {
  const [, flags = "", from = "", to = ""] = /^(.*) \| sed 's\/(.*)\/(.*)\/'$/.exec(program) ?? [];
  const text = await kubectl("get", "-f", staticFile, ...flags.split(" "));
  expect(text).toContain(from);
  const folder = await makeFolder();
  await writeFile(join(folder, "objects.json"), text.replaceAll(from, to));
  await kubectl("replace", "-f", join(folder, "objects.json"));
}

/** What stands there, and is Helm's afterwards. */
async function installed(): Promise<readonly KubeObject[]> {
  const objects = (await readManifests(staticFile)).filter(({ kind }) => kind !== "Namespace");
  return Promise.all(objects.map(async (object) => admin.get(await pathOf(admin, object))));
}

interface Owner {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
}
const managersOf = ({ metadata }: KubeObject): readonly string[] =>
  (metadata["managedFields"] as readonly Owner[])
    .filter(({ operation, subresource }) => operation === "Apply" && subresource === undefined)
    .map(({ manager }) => manager);
const uids = (objects: readonly KubeObject[]): readonly unknown[] => objects.map(({ metadata }) => metadata.uid);
const deploymentIn = (objects: readonly KubeObject[]): KubeObject | undefined =>
  objects.find(({ kind }) => kind === "Deployment");

const changed = { replicaCount: 3, log: { level: "debug" }, resources: { limits: { memory: "300Mi" } } };

describe.each(helmMajors)("from kubectl apply --server-side to Helm %i", (major) => {
  const release = new Release({ major, namespace });

  afterEach(async () => {
    await release.uninstall("--wait");
    await admin.remove(`/api/v1/namespaces/${namespace}`);
    await gone(`/api/v1/namespaces/${namespace}`, 120_000);
    await removeDefinitions();
    expect(await exists(`/api/v1/namespaces/${namespace}`)).toBe(false);
  });

  it("as docs/install.md has it: nothing is made anew, no field is fought over, then or with the next upgrade", async (context) => {
    if (!hasKubectl) return context.skip("there is no kubectl");
    await kubectl("apply", "--server-side", "-f", staticFile);
    const before = await installed();
    await handOver();
    expect(succeeded(await release.install({}, "--take-ownership"))).toBe("succeeded");
    const taken = await installed();
    expect(uids(taken)).toEqual(uids(before));
    // So no pod starts anew
    expect(deploymentIn(taken)?.["spec"]).toEqual(deploymentIn(before)?.["spec"]);
    for (const object of taken) {
      expect(object.metadata.labels).toMatchObject({ "app.kubernetes.io/managed-by": "Helm" });
      expect(managersOf(object), object.metadata.name).toEqual(["helm"]);
    }
    expect(succeeded(await release.upgrade(changed))).toBe("succeeded");
    expect(deploymentIn(await installed())?.["spec"]).toMatchObject({ replicas: 3 });
    expect(succeeded(await release.upgrade({}, "--reset-values"))).toBe("succeeded");
    expect(deploymentIn(await installed())?.["spec"]).toMatchObject({ replicas: 2 });
    expect(await release.history()).toEqual(["1 superseded", "2 superseded", "3 deployed"]);
  });

  it("without the first command: Helm takes over what says the same, and Helm 4 asks about the first change", async (context) => {
    if (!hasKubectl) return context.skip("there is no kubectl");
    await kubectl("apply", "--server-side", "-f", staticFile);
    expect(succeeded(await release.install({}, "--take-ownership"))).toBe("succeeded");
    const upgraded = await release.upgrade(changed);
    if (major === 3) expect(succeeded(upgraded)).toBe("succeeded");
    else {
      expect(upgraded.err).toMatch(/conflicts? with "kubectl"/);
      expect(succeeded(await release.upgrade(changed, "--force-conflicts"))).toBe("succeeded");
    }
    expect(deploymentIn(await installed())?.["spec"]).toMatchObject({ replicas: 3 });
  });
});
