import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import {
  appDeployment,
  callerAccount,
  callerDeployment,
  clientObjects,
  programs,
  proxyAddress,
  renewerObjects,
} from "./manifests.ts";
import { names } from "./names.ts";
import { bundlePrograms } from "./programs.ts";
import type { Scene } from "./scene.ts";

/** The client, and the application with the gateway that `keyturn inject` puts beside it. */
export async function deployWorkload(scene: Scene): Promise<void> {
  await scene.apply([programs(await bundlePrograms()), ...clientObjects(scene.image)]);
  const flags = ["--rotation", names.rotation, "--", "--mint-listen=127.0.0.1:8081"];
  await applyInjected(scene, appDeployment(scene.image), flags);
}

/** Applies what `keyturn inject` makes of a workload. */
async function applyInjected(scene: Scene, workload: KubeObject, flags: readonly string[]): Promise<void> {
  const { image, folder } = scene;
  const [plain, injected] = [join(folder, "deploy.yaml"), join(folder, "injected.yaml")];
  await writeFile(plain, stringify(workload));
  await writeFile(injected, await scene.keyturn("inject", "--filename", plain, "--image", image, ...flags));
  await scene.kubectl("apply", "--filename", injected);
}

/** Pods that live on what the issuer gives them. */
export const deployRenewers = (scene: Scene): Promise<void> => scene.apply(renewerObjects(scene.image));

/** Applications that call the gateways, with the agent that `keyturn inject` puts beside them. */
export async function deployCallers(scene: Scene): Promise<void> {
  await scene.apply([callerAccount]);
  await applyInjected(scene, callerDeployment(scene.image), [
    "--agent",
    "--",
    "--issuer=http://$(TOKENS_ISSUER_SERVICE_HOST)",
    `--proxy-listen=${proxyAddress}`,
    "--upstream=http://$(ORDERS_SERVICE_HOST):8080",
    // A token lives for ten seconds
    "--ready-margin=1s",
    "--plain-http",
  ]);
}
