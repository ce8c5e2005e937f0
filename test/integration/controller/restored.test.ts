import { expect, inject, test } from "vitest";
import type { KubeClient } from "../../../hack/testcluster/client.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";
import { proxyTo } from "../../kube/support/proxy.ts";
import { ownCluster } from "../support/own-cluster.ts";
import { makeRotation, makeScene, quick, rotationsPath, startController, type Status } from "./support/scene.ts";

/** Waits for a status that fits, on whatever cluster. */
async function reaches(client: KubeClient, namespace: string, fits: (status: Status) => boolean): Promise<Status> {
  for await (const { object } of client.watch(rotationsPath(namespace), AbortSignal.timeout(60_000))) {
    const status = object["status"] as Status | undefined;
    if (status !== undefined && fits(status)) return status;
  }
  throw new Error("The watch ended");
}

const published = ({ keys = [] }: Partial<Status>): boolean =>
  keys.some((key) => key.state === "Prepared" && key.publishedTime !== undefined);

test("a revocation is carried out after etcd went back to a snapshot, by the controller that ran before", async (context) => {
  const own = await ownCluster(context);
  const path = rotationsPath("default");
  const manifest = { apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation" };
  await own.admin.create(path, { ...manifest, metadata: { name: "one" }, spec: quick });
  const first = startController({ namespace: "default", endpoint: own.endpoint });
  const { activeKid } = await reaches(own.admin, "default", published);
  await first.stop();
  await own.backUp();
  startController({ namespace: "default", endpoint: own.endpoint });
  // The versions that the controller knows are far above those that come again
  const others = "/api/v1/namespaces/default/configmaps";
  for (let n = 0; n < 100; n++) await own.admin.create(others, { metadata: { generateName: "other-" } });
  await own.restore();
  await own.admin.merge(`${path}/one`, { spec: { revokedKids: [{ kid: activeKid }] } });
  const after = await reaches(own.admin, "default", (status) => status.activeKid !== activeKid && published(status));
  expect(after.keys.map(({ kid }) => kid)).not.toContain(activeKid);
});

test("a revocation is carried out when every connection of the controller swallows what it is sent", async () => {
  const scene = await makeScene("swallowed");
  const rotation = await makeRotation(scene.namespace, "one");
  const wire = await proxyTo(inject("cluster").connection.server);
  const credentials = await scene.endpoint.credentials();
  startController({ ...scene, endpoint: fixedEndpoint(wire.server, credentials) });
  const { activeKid = "" } = await rotation.ready();
  wire.freeze();
  await rotation.edit({ revokedKids: [{ kid: activeKid }] });
  const startedAtMs = performance.now();
  await rotation.reaches("signed by another", (status) => status.activeKid !== activeKid, 40_000);
  console.log(`Carried out ${Math.round((performance.now() - startedAtMs) / 1000)} s after the edit`);
});
