import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { appDeployment, clientObjects, programs, renewerObjects } from "./manifests.ts";
import { names } from "./names.ts";
import { bundlePrograms } from "./programs.ts";
import type { Scene } from "./scene.ts";

/** The client, and the application with the gateway that `keyturn inject` puts beside it. */
export async function deployWorkload(scene: Scene): Promise<void> {
  const { image, folder } = scene;
  await scene.apply([programs(await bundlePrograms()), ...clientObjects(image)]);
  const [plain, injected] = [join(folder, "deploy.yaml"), join(folder, "injected.yaml")];
  await writeFile(plain, stringify(appDeployment(image)));
  const flags = ["--filename", plain, "--rotation", names.rotation, "--image", image];
  await writeFile(injected, await scene.keyturn("inject", ...flags, "--", "--mint-listen=127.0.0.1:8081"));
  await scene.kubectl("apply", "--filename", injected);
}

/** Pods that live on what the issuer gives them. */
export const deployRenewers = (scene: Scene): Promise<void> => scene.apply(renewerObjects(scene.image));
