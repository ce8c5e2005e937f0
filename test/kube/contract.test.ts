import { KubeClient } from "../../src/kube/client.ts";
import { transportTo } from "./support/clients.ts";
import { kubeContract } from "./support/contract.ts";
import { fakeApi } from "./support/fake-api.ts";

kubeContract("the fake API server", async () => {
  const { script } = await fakeApi();
  return { client: new KubeClient(transportTo(script.server), 3), namespace: "team" };
});
