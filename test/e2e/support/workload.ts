import { appAccount, appDeployment, clientObjects, programs } from "./manifests.ts";
import { bundlePrograms } from "./programs.ts";
import type { Scene } from "./scene.ts";
import { withGateway } from "./sidecar.ts";

/** The application with its gateways, and the client. */
export async function deployWorkload(scene: Scene): Promise<void> {
  const { image } = scene;
  await scene.apply([programs(await bundlePrograms()), ...clientObjects(image), ...appAccount]);
  await scene.apply([withGateway(appDeployment(image), image)]);
}
