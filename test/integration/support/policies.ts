import { join } from "node:path";
import { afterAll, expect, vi } from "vitest";
import { root } from "../../../hack/run.ts";
import { readManifests } from "../../../hack/testcluster/apply.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { admin } from "./scene.ts";

const policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const bindings = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";

interface Policy {
  readonly spec: { readonly variables: readonly { readonly name: string; readonly expression: string }[] };
}

/**
 * Puts policies/ring-objects.yaml in force for one namespace and its controller, as the chart does for an installation: only
 * that service account changes the three objects there. Resolves when it is in force.
 */
export async function guardRings(namespace: string, serviceAccount: string): Promise<void> {
  const [policy, binding] = await readManifests(join(root, "policies/ring-objects.yaml"));
  const name = `ring-objects.${namespace}`;
  const { spec } = policy as KubeObject & Policy;
  const controllers = JSON.stringify([`system:serviceaccount:${namespace}:${serviceAccount}`]);
  const variables = spec.variables.map((one) =>
    one.name === "controllers" ? { ...one, expression: controllers } : one,
  );
  await admin.create(policies, { ...policy, metadata: { name }, spec: { ...spec, variables } });
  const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": namespace } };
  const bound = { ...(binding?.["spec"] as object), policyName: name, matchResources: { namespaceSelector } };
  await admin.create(bindings, { ...binding, metadata: { name }, spec: bound });
  afterAll(async () => {
    await admin.remove(`${bindings}/${name}`);
    await admin.remove(`${policies}/${name}`);
  });
  await inForce(namespace);
}

/** The server learns of a policy a moment after it is stored. */
async function inForce(namespace: string): Promise<void> {
  const folder = `/api/v1/namespaces/${namespace}/configmaps`;
  const labels = { "keyturn.dev/object": "public" };
  const probe = await admin.create(folder, { metadata: { name: "is-the-policy-in-force-public", labels } });
  const path = `${folder}/${probe.metadata.name}`;
  const change = () => admin.request("PATCH", `${path}?dryRun=All`, { body: { data: { a: "b" } }, as: "merge" });
  await vi.waitFor(() => expect(change()).rejects.toMatchObject({ status: 403 }), { timeout: 120_000, interval: 50 });
  await admin.remove(path);
}
