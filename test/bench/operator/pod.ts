import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serviceAccountDir } from "../../../src/kube/in-cluster.ts";
import type { Connection } from "../../../hack/testcluster/connection.ts";

/** What makes a process of this machine one of a pod. */
export interface Pod {
  /** Of Node.js, to be loaded before the program. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A program finds its service account in this folder: a kubeconfig would have it load a library that no pod loads. */
export async function podIn(folder: string, { server, ca = "", token = "" }: Connection): Promise<Pod> {
  for (const [name, text] of Object.entries({ token, "ca.crt": ca, namespace: "bench" }))
    await writeFile(join(folder, name), text, { mode: 0o600 });
  const preload = join(folder, "pod.cjs");
  await writeFile(preload, movedReads(folder));
  const { hostname, port } = new URL(server);
  return {
    flags: [`--require=${preload}`],
    env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
  };
}

const movedReads = (folder: string): string => `
const fs = require("node:fs/promises");
const { readFile } = fs;
const from = ${JSON.stringify(serviceAccountDir)};
const moved = (path) => String(path).startsWith(from) ? ${JSON.stringify(folder)} + String(path).slice(from.length) : path;
fs.readFile = (path, ...rest) => readFile(moved(path), ...rest);
`;
