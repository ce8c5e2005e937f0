import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../hack/free-port.ts";
import { run } from "../../hack/run.ts";
import type { Figure, FiguresBench } from "./figures.ts";
import { cpuSeconds, end, load, rssMiB, start, untilOk } from "./sidecar/processes.ts";
import { startNginx } from "./sidecar/nginx.ts";
import { mounted } from "./sidecar/mounted.ts";
import { apiSwaps, fileSwaps } from "./sidecar/swaps.ts";
import { median, timeOf } from "./times.ts";

/** Rounds, milliseconds of load in each, swaps, starts. */
interface Size {
  readonly rounds: number;
  readonly loadMs: number;
  readonly swaps: number;
  readonly starts: number;
}

/** By then the process has asked for all that it takes when nobody asks for anything. */
const settledMs = 1500;

/** Shares its name with the bench of verify and mint: both are of the gateway. */
export const sidecarBench: FiguresBench = {
  name: "gateway",
  what: "the program of the image as a process: its answers, its swaps, its start",
  figures: async (isQuick) => {
    const size = isQuick
      ? { rounds: 1, loadMs: 100, swaps: 3, starts: 1 }
      : { rounds: 7, loadMs: 2000, swaps: 300, starts: 15 };
    for (const script of ["hack/bundle.ts", "dist/bundle/compile.cjs"]) {
      const { code, output } = await run(["node", script]);
      if (code !== 0) throw new Error(output);
    }
    const folder = await mkdtemp(join(tmpdir(), "keyturn-bench-"));
    try {
      return [
        await forwardAuth(folder, size),
        ...(await apiSwaps(size.swaps)),
        ...(await fileSwaps(folder, size.swaps)),
        ...(await starts(folder, size)),
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Answers for each second of processor time, the same token again and again. */
async function forwardAuth(folder: string, { rounds, loadMs }: Size): Promise<Figure> {
  const gateway = await mounted(folder, "load");
  const ours = gateway.run();
  const port = await freePort();
  const nginx = await startNginx(folder, `server { listen 127.0.0.1:${port}; location / { return 200; } }`);
  try {
    const lines = ["GET /verify HTTP/1.1", "Host: keyturn", `Authorization: Bearer ${gateway.token}`, "", ""];
    const request = lines.join("\r\n");
    await Promise.all([untilOk(gateway.admin, "/readyz"), untilOk(port, "/")]);
    const rate = async (child: typeof ours, at: number): Promise<number> => {
      const before = await cpuSeconds(child);
      const answers = await load(at, request, loadMs);
      return answers / Math.max((await cpuSeconds(child)) - before, 0.01);
    };
    const rates: { readonly ours: number; readonly nginx: number }[] = [];
    await rate(ours, gateway.front);
    for (let round = 0; round < rounds; round++) {
      rates.push({ nginx: await rate(nginx, port), ours: await rate(ours, gateway.front) });
    }
    return {
      what: "forward-auth, the same token",
      unit: "a CPU second",
      ours: median(rates.map((one) => one.ours)),
      baseline: { name: "nginx return 200", value: median(rates.map((one) => one.nginx)) },
      goal: "≥ 0.40×",
    };
  } finally {
    await Promise.all([end(ours), end(nginx)]);
  }
}

/** From the start of the process to its first Ready; and what it takes then, before and after a scrape. */
async function starts(folder: string, { starts: count }: Size): Promise<readonly Figure[]> {
  const gateway = await mounted(folder, "starts");
  const taken = {
    ready: [] as number[],
    empty: [] as number[],
    rss: [] as number[],
    emptyRss: [] as number[],
    scraped: [] as number[],
  };
  for (let i = 0; i < count; i++) {
    taken.empty.push(await timeOf(() => once(start(process.execPath, ["-e", "0"]), "exit")));
    const child = gateway.run();
    taken.ready.push(await timeOf(() => untilOk(gateway.admin, "/readyz")));
    const empty = start(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    await pause(settledMs);
    taken.rss.push(await rssMiB(child));
    taken.emptyRss.push(await rssMiB(empty));
    await untilOk(gateway.admin, "/metrics");
    taken.scraped.push(await rssMiB(child));
    await Promise.all([end(child), end(empty)]);
  }
  const emptyRss = { name: "an empty Node.js process", value: median(taken.emptyRss) };
  return [
    {
      what: "start to Ready (bundle, mount)",
      unit: "ms",
      ours: median(taken.ready),
      baseline: { name: "an empty Node.js process, to its end", value: median(taken.empty) },
      goal: "≤ 3×",
    },
    { what: "memory when Ready (RSS)", unit: "MiB", ours: median(taken.rss), baseline: emptyRss, goal: "≤ 1.5×" },
    { what: "memory after a scrape (RSS)", unit: "MiB", ours: median(taken.scraped), baseline: emptyRss },
  ];
}
