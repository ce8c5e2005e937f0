import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished, type TestContext } from "vitest";
import { root } from "../../../hack/run.ts";
import { KubeClient } from "../../../hack/testcluster/client.ts";
import { startCluster } from "../../../hack/testcluster/cluster.ts";
import type { Endpoint } from "../../../src/kube/endpoint.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";

/** A cluster that a test has for itself, and breaks. */
export interface OwnCluster {
  readonly admin: KubeClient;
  /** As the administrator. */
  readonly endpoint: Endpoint;
  /** Copies what etcd has written; the servers are away meanwhile. */
  readonly backUp: () => Promise<void>;
  /** Puts the copy back, as Kubernetes advises: with the API server stopped. */
  readonly restore: () => Promise<void>;
}

/** With our custom resources, and no controllers; ends with the test. */
export async function ownCluster(context: TestContext): Promise<OwnCluster> {
  const { connection, servers, stop } = await startCluster({ manifests: [join(root, "crds")] });
  onTestFinished(() => stop());
  if (servers === undefined) return context.skip("the servers of this cluster are not ours to stop");
  const { server, ca, token } = connection;
  const copy = `${servers.data}.copy`;
  const admin = new KubeClient(connection);
  onTestFinished(() => admin.close());
  return {
    admin,
    endpoint: fixedEndpoint(server, {
      tls: { ...(ca !== undefined && { ca }) },
      ...(token !== undefined && { token }),
    }),
    async backUp() {
      await servers.kill();
      await cp(servers.data, copy, { recursive: true });
      await servers.start();
    },
    async restore() {
      await servers.kill();
      await rm(servers.data, { recursive: true });
      await cp(copy, servers.data, { recursive: true });
      await servers.start();
    },
  };
}
