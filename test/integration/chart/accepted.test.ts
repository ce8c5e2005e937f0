import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root } from "../../../hack/run.ts";
import { apply, pathOf, readManifests } from "../../../hack/testcluster/apply.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { everything, issuer, podOf, render } from "../../chart/support/render.ts";
import { admin, makeNamespace } from "../support/scene.ts";
import { removeDefinitions } from "./support/release.ts";

const namespace = await makeNamespace("accepted");

beforeAll(async () => {
  for (const object of await readManifests(join(root, "crds"))) await apply(admin, object);
});
afterAll(removeDefinitions);

const strictly = async (object: KubeObject): Promise<void> => {
  const path = `${await pathOf(admin, object)}?fieldManager=test&force=true&fieldValidation=Strict&dryRun=All`;
  await admin.request("PATCH", path, { body: object, as: "apply" });
};

it("the API server takes, to the last field", async () => {
  const own = {
    ...{ ...everything, watchNamespaces: [namespace], jwks: { enabled: true, rotation: "gateway" } },
    issuer: { ...everything.issuer, namespace },
    admissionPolicies: { allowedUsers: ["o'brien", 'the "one" \\ & only'] },
  };
  const rotations = everything.rotations.map((one) => ({ ...one, namespace }));
  const values = { ...own, rotations, crds: { enabled: false } };
  const onSqlite = await render({ ...values, issuer: { ...issuer, namespace } }, { namespace });
  const claims = onSqlite.filter(({ kind }) => kind === "PersistentVolumeClaim");
  expect(claims).toHaveLength(1);
  const objects = [...(await render(values, { namespace })), ...claims];
  const known = objects.filter(
    ({ apiVersion }) => !/^(?:monitoring\.coreos\.com|gateway\.networking)/.test(apiVersion),
  );
  expect(known.length).toBeGreaterThan(35);
  for (const object of known) await strictly(object as unknown as KubeObject);
});

it("the API server takes from deploy/keyturn.yaml, too", async () => {
  const objects = await readManifests(join(root, "deploy/keyturn.yaml"));
  for (const object of objects.filter(({ kind }) => kind !== "Namespace")) {
    const { metadata } = object;
    const isNamespaced = metadata.namespace !== undefined;
    await strictly({ ...object, metadata: { ...metadata, ...(isNamespaced && { namespace }) } });
  }
});

it("passes the Pod Security Standard restricted", async () => {
  const guarded = await makeNamespace("restricted");
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await admin.merge(`/api/v1/namespaces/${guarded}`, { metadata: { labels } });
  const pods = `/api/v1/namespaces/${guarded}/pods?dryRun=All`;
  const workloads = (await render(everything)).filter(({ kind }) => ["Deployment", "Job"].includes(kind));
  expect(workloads).toHaveLength(4);
  for (const workload of workloads) {
    const { metadata, spec } = podOf(workload);
    // The account is another matter, and so is a class of priority
    const pod = {
      metadata: { ...metadata, name: workload.metadata.name },
      spec: { ...spec, serviceAccountName: "default" },
    };
    await admin.create(pods, pod);
    const unsafe = { ...pod, spec: { ...pod.spec, containers: [{ ...spec.containers[0], securityContext: {} }] } };
    await expect(admin.create(pods, unsafe)).rejects.toThrow(/violates PodSecurity "restricted/);
  }
});
