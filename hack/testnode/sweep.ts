import { docker } from "../docker/images.ts";

/** Processes of a container that was just removed may take a moment to be gone. */
const attempts = 20;

/**
 * Removes what the pods of a removed node leave on the machine: their empty cgroups, over a hundred in each hierarchy.
 *
 * @param ids - Of the containers; entry.sh names the cgroups by their hostnames.
 */
export async function sweepCgroups(image: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const paths = ids.map((id) => `-path '*/keyturn-test-${id.slice(0, 12)}*'`).join(" -o ");
  const find = `find /sys/fs/cgroup -depth -type d '(' ${paths} ')' -delete`;
  const script = `for i in $(seq ${attempts}); do ${find} 2>/dev/null && exit; sleep 0.1; done; ${find}`;
  const flags = ["--rm", "--security-opt", "apparmor=unconfined", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup"];
  await docker("run", ...flags, "--entrypoint", "/bin/bash", image, "-c", script);
}
