import { join } from "node:path";
import { freePort } from "../../../hack/free-port.ts";
import { imageFlags } from "../../../hack/docker/image-flags.ts";
import { root } from "../../../hack/run.ts";
import { writeDataDir } from "../../../src/files/data-dir.ts";
import { nodeDisk } from "../../../src/files/disk.ts";
import { start } from "./processes.ts";
import { Rings } from "./rings.ts";

const program = join(root, "dist/bundle/keyturn.cjs");

/** A mount with a ring, and the gateway on it, on all addresses as in a pod. */
export async function mounted(folder: string, name: string) {
  const rings = await Rings.make();
  const mount = join(folder, name);
  const { files, token, mint } = await rings.next();
  await writeDataDir(nodeDisk(), mount, { files, mode: 0o600, dirMode: 0o700, nowMs: Date.now() });
  const [front, admin] = [await freePort(), await freePort()];
  const args = [...(await imageFlags()), program, "gateway", "--acks=off", `--mount=${mount}`, "--log-level=error"];
  const listen = [`--listen=:${front}`, `--admin-listen=:${admin}`];
  const run = (...flags: readonly string[]) => start(process.execPath, [...args, ...listen, ...flags]);
  return { rings, mount, token, mint, front, admin, run };
}
