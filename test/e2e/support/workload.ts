import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import {
  appDeployment,
  callerAccount,
  callerDeployment,
  clientObjects,
  issuerPort,
  programs,
  proxyAddress,
  renewerObjects,
  sessionObjects,
  talkerAccount,
  talkerSet,
} from "./manifests.ts";
import { names } from "./names.ts";
import { bundlePrograms } from "./programs.ts";
import type { Scene } from "./scene.ts";

/** The client, and the application with the gateway that `keyturn inject` puts beside it. */
export async function deployWorkload(scene: Scene): Promise<void> {
  await scene.apply([
    programs(await bundlePrograms()),
    ...clientObjects(scene.image),
    ...sessionObjects(scene.natsImage),
  ]);
  await applyInjected(scene, appDeployment(scene.image), [
    ...["--rotation", names.rotation, "--sessions"],
    "--",
    "--mint-listen=127.0.0.1:8081",
    "--session-bus=nats://$(NATS_SERVICE_HOST):4222",
    // And five seconds: the pod has twenty
    "--drain-timeout=12s",
    `--revocations=http://127.0.0.1:${issuerPort}/v1/revocations`,
  ]);
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

/** Clients with sessions, each with the agent that `keyturn inject` puts beside it. */
export async function deployTalkers(scene: Scene): Promise<void> {
  await scene.apply([talkerAccount]);
  const issuer = "--issuer=http://$(TOKENS_ISSUER_SERVICE_HOST)";
  await applyInjected(scene, talkerSet(scene.image), ["--agent", "--", issuer, "--ready-margin=1s", "--plain-http"]);
}

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
