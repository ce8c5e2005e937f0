import { inject, onTestFinished } from "vitest";
import { ClusterStore } from "../../../src/cluster/cluster-store.ts";
import { KubeClient } from "../../../src/kube/client.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";
import { Transport } from "../../../src/kube/transport.ts";
import { parseRotation } from "../../../src/ring/resource/rotation.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { describeRingStore } from "../../keeper/support/store-contract.ts";
import { admin, makeNamespace } from "../support/scene.ts";
import { RotationHandle } from "./support/scene.ts";

describeRingStore("a cluster", async () => {
  const namespace = await makeNamespace("store");
  const { server, token, ...tls } = inject("cluster").connection;
  const transport = new Transport({
    endpoint: fixedEndpoint(server, { tls, ...(token !== undefined && { token }) }),
    ...{ clock: systemClock, chance: () => 0.5, userAgent: "keyturn-test/1" },
  });
  onTestFinished(() => transport.close());
  const client = new KubeClient(transport);
  const name = "gateway";
  const owner = {
    apiVersion: "keyturn.dev/v1alpha1",
    kind: "JwtKeyRotation",
    metadata: { namespace, name },
    spec: { tokens: { issuer: "https://issuer.example", audiences: ["api"] } },
  };
  const handle = new RotationHandle(namespace, name);
  return {
    rotation: { namespace, name },
    open: () => new ClusterStore({ client, owner, rotation: parseRotation(owner) }),
    damage: async (object) => {
      const text = object === "public" ? "damaged" : Buffer.from("damaged").toString("base64");
      await admin.merge(handle.objectPath(object), { data: { "keyring.json": text } });
    },
  };
});
