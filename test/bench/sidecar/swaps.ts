import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { KubeClient } from "../../../hack/testcluster/client.ts";
import { startCluster } from "../../../hack/testcluster/cluster.ts";
import { writeDataDir } from "../../../src/files/data-dir.ts";
import { nodeDisk } from "../../../src/files/disk.ts";
import type { Figure } from "../figures.ts";
import { mounted } from "./mounted.ts";
import { end, untilOk } from "./processes.ts";
import { Rings, type Turn } from "./rings.ts";
import { percentile, timeOf } from "../times.ts";

/** From the beginning of the write of the Secret until a token of its new key is accepted. */
export async function apiSwaps(swaps: number): Promise<readonly Figure[]> {
  const cluster = await startCluster({ manifests: [], say: (line) => console.error(line) });
  const admin = new KubeClient(cluster.connection);
  const path = "/api/v1/namespaces/default/secrets";
  const rings = await Rings.make();
  const secretOf = ({ files }: { readonly files: object }) => ({ stringData: files });
  await admin.create(path, { metadata: { name: "bench" }, ...secretOf(await rings.next()) });
  await admin.create(path, { metadata: { name: "bare" }, ...secretOf(await rings.next()) });
  const argument = JSON.stringify({ connection: cluster.connection, namespace: "default", object: "bench" });
  const child = spawn(process.execPath, [join(import.meta.dirname, "gateway-child.ts"), argument], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const replace = (name: string, turn: { readonly files: object }) => admin.merge(`${path}/${name}`, secretOf(turn));
    const waits = await swapping(rings, swaps, { front: Number(line), write: (turn) => replace("bench", turn) });
    const bare: number[] = [];
    for (let i = 0; i < swaps; i++) {
      const turn = await rings.next();
      bare.push(await timeOf(() => replace("bare", turn)));
    }
    return swapFigures("API watch", waits, { name: "the write alone", values: bare, goal: "≤ 100 ms" });
  } finally {
    await end(child);
    admin.close();
    await cluster.stop();
  }
}

/** The same, with a directory that is swapped as the kubelet does. */
export async function fileSwaps(folder: string, swaps: number): Promise<readonly Figure[]> {
  const { rings, mount, admin, front, run: runGateway } = await mounted(folder, "swaps");
  const child = runGateway();
  const disk = nodeDisk();
  const write = (dir: string) => (turn: { readonly files: Readonly<Record<string, string>> }) =>
    writeDataDir(disk, dir, { files: turn.files, mode: 0o600, dirMode: 0o700, nowMs: Date.now() });
  try {
    await untilOk(admin, "/readyz");
    const waits = await swapping(rings, swaps, { front, write: write(mount) });
    const bare: number[] = [];
    for (let i = 0; i < swaps; i++) {
      const turn = await rings.next();
      bare.push(await timeOf(() => write(join(folder, "bare"))(turn)));
    }
    return swapFigures("file swap", waits, { name: "the write alone", values: bare, goal: "≤ 500 ms" });
  } finally {
    await end(child);
  }
}

interface Swapping {
  readonly front: number;
  readonly write: (turn: Turn) => Promise<unknown>;
}

async function swapping(rings: Rings, swaps: number, { front, write }: Swapping): Promise<readonly number[]> {
  const waits: number[] = [];
  for (let i = 0; i < swaps; i++) {
    const turn = await rings.next();
    const headers = { authorization: `Bearer ${turn.token}` };
    waits.push(await timeOf(() => Promise.all([write(turn), untilOk(front, "/verify", headers)])));
  }
  return waits;
}

function swapFigures(
  how: string,
  waits: readonly number[],
  { name, values, goal }: { readonly name: string; readonly values: readonly number[]; readonly goal: string },
): readonly Figure[] {
  return [50, 99].map((percent) => ({
    what: `write → new key accepted, ${how}, p${percent}`,
    unit: "ms",
    ours: percentile(waits, percent),
    baseline: { name, value: percentile(values, percent) },
    ...(percent === 99 && { goal }),
  }));
}
