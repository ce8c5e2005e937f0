import { describe, expect, inject, it } from "vitest";
import { ApiError, type KubeObject } from "../../hack/testcluster/client.ts";
import { admin, exists, gone, hasKubectl, kubectl, makeNamespace, makePod, tokenFor } from "./support/scene.ts";

const namespace = await makeNamespace("cluster");
const secrets = `/api/v1/namespaces/${namespace}/secrets`;
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;

describe("the cluster", () => {
  it("stores Secrets, and refuses to overwrite what changed since it was read", async () => {
    const first = await admin.create(secrets, { metadata: { name: "one" }, stringData: { a: "1" } });
    const second = await admin.replace(`${secrets}/one`, { ...first, data: { a: "Mg==" } });
    expect(second["data"]).toEqual({ a: "Mg==" });
    await expect(admin.replace(`${secrets}/one`, first)).rejects.toMatchObject({ status: 409, reason: "Conflict" });
  });

  it("removes what belongs to an object that is gone", async (context) => {
    if (!inject("cluster").hasControllers) context.skip("no kube-controller-manager, which collects garbage");
    const { metadata } = await admin.create(configMaps, { metadata: { name: "owner" } });
    const owner = { apiVersion: "v1", kind: "ConfigMap", name: metadata.name, uid: metadata.uid };
    await admin.create(configMaps, { metadata: { name: "owned", ownerReferences: [owner] } });
    await admin.remove(`${configMaps}/owner`);
    await gone(`${configMaps}/owned`);
    expect(await exists(`${configMaps}/owned`)).toBe(false);
  });

  it("empties a namespace that is deleted", async (context) => {
    if (!inject("cluster").hasControllers) context.skip("no kube-controller-manager, which empties namespaces");
    const other = await makeNamespace("deleted");
    await admin.create(`/api/v1/namespaces/${other}/secrets`, { metadata: { name: "one" } });
    await admin.remove(`/api/v1/namespaces/${other}`);
    await gone(`/api/v1/namespaces/${other}`);
  });

  it("knows the pod whose token a request carries", async () => {
    await admin.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "gateway" } });
    const pod = await makePod(namespace, "gateway-0", { serviceAccountName: "gateway" });
    const gateway = admin.withToken(await tokenFor(namespace, "gateway", pod));
    const review = await gateway.create<Review>("/apis/authentication.k8s.io/v1/selfsubjectreviews", {});
    expect(review.status.userInfo.username).toBe(`system:serviceaccount:${namespace}:gateway`);
    expect(review.status.userInfo.extra).toMatchObject({
      "authentication.kubernetes.io/pod-name": ["gateway-0"],
      "authentication.kubernetes.io/pod-uid": [pod.metadata.uid],
    });
    gateway.close();
  });

  it("refuses a token whose pod is gone", async () => {
    const pod = await makePod(namespace, "short-lived");
    // Not used before: the server remembers for ten seconds that a token was good
    const bound = admin.withToken(await tokenFor(namespace, "default", pod));
    await admin.remove(`/api/v1/namespaces/${namespace}/pods/short-lived`, { gracePeriodSeconds: 0 });
    await gone(`/api/v1/namespaces/${namespace}/pods/short-lived`);
    await expect(bound.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", {})).rejects.toMatchObject({
      status: 401,
    });
    bound.close();
  });

  it("gives a service account nothing that no role gives it", async () => {
    const nobody = admin.withToken(await tokenFor(namespace, "default"));
    await expect(nobody.get(secrets)).rejects.toBeInstanceOf(ApiError);
    await expect(nobody.get(secrets)).rejects.toMatchObject({ status: 403, reason: "Forbidden" });
    nobody.close();
  });

  it("holds pods to the standard that their namespace asks for", async () => {
    const strict = await makeNamespace("strict");
    const label = { "pod-security.kubernetes.io/enforce": "restricted" };
    await admin.merge(`/api/v1/namespaces/${strict}`, { metadata: { labels: label } });
    await expect(makePod(strict, "careless")).rejects.toMatchObject({ status: 403 });
  });

  it("is of the release that go.mod names, unless it is somebody else's", async (context) => {
    if (inject("cluster").by !== "the Go-built binary") context.skip("the cluster was not built from go.mod");
    const { kubernetesVersion } = await import("../../hack/testcluster/build.ts");
    const version = await admin.get<KubeObject & { gitVersion: string }>("/version");
    expect(version.gitVersion).toBe(await kubernetesVersion());
  });

  it("answers kubectl", async (context) => {
    if (!hasKubectl) context.skip("no kubectl");
    expect(await kubectl("get", "namespace", namespace, "-o", "name")).toBe(`namespace/${namespace}\n`);
  });
});

interface Review {
  readonly status: {
    readonly userInfo: { readonly username: string; readonly extra: Readonly<Record<string, readonly string[]>> };
  };
}
