import { exportPKCS8, exportSPKI, generateKeyPair } from "jose";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, it, vi } from "vitest";
import { helmMajors } from "../../../hack/helm.ts";
import { root } from "../../../hack/run.ts";
import { apply, readManifests } from "../../../hack/testcluster/apply.ts";
import { runHelm } from "../../chart/support/render.ts";
import { quick, RotationHandle } from "../controller/support/scene.ts";
import { admin, gone, makeNamespace } from "../support/scene.ts";
import { makeFolder } from "../tools/support/person.ts";
import { PlayedKubelet } from "./support/kubelet.ts";
import { Release, removeDefinitions, succeeded } from "./support/release.ts";

beforeAll(async () => {
  for (const object of await readManifests(join(root, "crds"))) await apply(admin, object);
});
afterAll(removeDefinitions);

/** A chart of the older kind: it has one key, in one Secret. */
async function singleKeyChart(): Promise<string> {
  const folder = await makeFolder();
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const files = {
    "signing.pem": await exportPKCS8(privateKey),
    "public.pem": await exportSPKI(publicKey),
    kid: "2024-key",
  };
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "orders-jwt" }, stringData: files };
  await mkdir(join(folder, "templates"));
  await writeFile(join(folder, "Chart.yaml"), "{ apiVersion: v2, name: single-key, version: 0.1.0 }");
  await writeFile(join(folder, "templates/secret.yaml"), JSON.stringify(secret));
  return folder;
}

it.each(helmMajors)(
  "Helm %i: a release over the Secret of an older chart goes on with its key, also when that chart is gone",
  async (major) => {
    const namespace = await makeNamespace(`adopt-${major}`);
    const kubelet = await PlayedKubelet.play(namespace);
    const older = (...args: readonly string[]) =>
      runHelm([...args, "--namespace", namespace], { major, env: { KUBECONFIG: inject("cluster").kubeConfigFile } });
    expect(succeeded(await older("install", "older", await singleKeyChart()))).toBe("succeeded");

    const release = new Release({ major, namespace });
    const controllerOnly = { crds: { enabled: false }, watchNamespaces: [namespace] };
    expect(succeeded(await release.install(controllerOnly))).toBe("succeeded");
    const controller = await release.runController();
    const rotations = [{ name: "orders", secretName: "orders-jwt", ...quick, adoption: { maxTTL: "24h" } }];
    const values = { ...controllerOnly, rotations, rotateOnUpgrade: false, waitForReady: { timeoutSeconds: 60 } };
    expect(succeeded(await release.upgrade(values))).toBe("succeeded");
    const rotation = new RotationHandle(namespace, "orders");
    expect(await rotation.status()).toMatchObject({ activeKid: "2024-key" });
    const signer = `/api/v1/namespaces/${namespace}/secrets/orders-jwt`;
    const kidIn = async (): Promise<string> => {
      const { data } = await admin.get<{ data: Record<string, string> }>(signer);
      return Buffer.from(data["kid"] ?? "", "base64").toString();
    };
    expect(await kidIn()).toBe("2024-key");

    // Helm deletes what its release made. The ring has the key, and a pass puts the Secret back
    expect(succeeded(await older("uninstall", "older"))).toBe("succeeded");
    await gone(signer);
    await rotation.annotate({ "example.com/look": "1" });
    await vi.waitFor(async () => expect(await kidIn()).toBe("2024-key"), { timeout: 120_000, interval: 50 });
    expect((await rotation.status()).activeKid).toBe("2024-key");
    expect(controller.problems).toEqual([]);
    expect(kubelet.problems).toEqual([]);
    expect(succeeded(await release.uninstall())).toBe("succeeded");
  },
);
