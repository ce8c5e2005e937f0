// Loaded into a program before itself: what a pod has and a process of this machine has not. Its hostname is the pod's,
// and the folder that the kubelet puts a service account into is one of the test's.
import fs from "node:fs/promises";
import os from "node:os";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
const { SOAK_HOSTNAME: hostname, SOAK_SERVICE_ACCOUNT: folder } = process.env;
const { readFile } = fs;

if (hostname !== undefined) os.hostname = () => hostname;
if (folder !== undefined) {
  const moved = (path: unknown): unknown =>
    typeof path === "string" && path.startsWith(serviceAccount)
      ? join(folder, path.slice(serviceAccount.length))
      : path;
  fs.readFile = ((path: unknown, ...rest: readonly never[]) =>
    readFile(moved(path) as string, ...(rest as unknown as []))) as typeof readFile;
}
syncBuiltinESMExports();
