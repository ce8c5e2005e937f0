import { inject } from "vitest";
import { KubeClient } from "../../../src/kube/client.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";
import { transportTo } from "../../kube/support/clients.ts";
import { kubeContract } from "../../kube/support/contract.ts";
import { makeNamespace } from "../support/scene.ts";

const namespace = await makeNamespace("kube");
const { server, token, ...tls } = inject("cluster").connection;

kubeContract("a kube-apiserver", async () => {
  const transport = transportTo(fixedEndpoint(server, { tls, ...(token !== undefined && { token }) }));
  return { client: new KubeClient(transport, 3), namespace };
});
