import type { ChildProcess } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../../hack/free-port.ts";
import { imageFlags } from "../../../hack/docker/image-flags.ts";
import { root } from "../../../hack/run.ts";
import { writeDataDir } from "../../../src/files/data-dir.ts";
import { jwksPath } from "../../../src/jwt/public-paths.ts";
import { nodeDisk } from "../../../src/files/disk.ts";
import { clientIds } from "../grants.ts";
import { start, untilOk } from "../sidecar/processes.ts";
import { Rings } from "../sidecar/rings.ts";
import { onMeasuredCore } from "./pinned.ts";

/** Of the chart, and what Node.js does by itself within the chart's limit of 512 MiB. */
const inPod = ["--max-semi-space-size=4", "--max-old-space-size=256"];

export interface IssuerProcess {
  readonly child: ChildProcess;
  readonly port: number;
}

/** The program of the image as an issuer on this store, on a core of its own, as in the chart's pod, with a signer of ES256 and twenty clients. */
export async function issuerOn(store: string, folder: string): Promise<IssuerProcess> {
  const { files } = await (await Rings.make()).next();
  const mount = join(folder, "signer");
  await writeDataDir(nodeDisk(), mount, { files, mode: 0o600, dirMode: 0o700, nowMs: Date.now() });
  const config = join(folder, "issuer.json");
  await writeFile(join(folder, "secret"), "a secret of the bench");
  await writeFile(config, JSON.stringify(tokenIssuer));
  const [port, admin] = [await freePort(), await freePort()];
  const child = start(onMeasuredCore[0], [
    ...onMeasuredCore.slice(1),
    ...[
      process.execPath,
      ...(await imageFlags()),
      ...inPod,
      join(root, "dist/bundle/keyturn.cjs"),
      "issuer",
      "--acks=off",
    ],
    ...[`--mount=${mount}`, `--config=${config}`, `--store=${store}`, "--request-rate=1000000"],
    ...[`--listen=127.0.0.1:${port}`, `--admin-listen=127.0.0.1:${admin}`, "--log-level=error"],
  ]);
  await untilOk(admin, "/readyz");
  await untilOk(port, jwksPath);
  return { child, port };
}

const tokenIssuer = {
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "TokenIssuer",
  metadata: { name: "bench" },
  spec: {
    clients: clientIds.map((id) => ({
      id,
      secretFiles: ["secret"],
      allow: { audiences: ["api"], scopes: ["read", "write"] },
    })),
  },
};
