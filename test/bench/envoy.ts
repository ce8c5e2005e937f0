import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../hack/free-port.ts";
import { run } from "../../hack/run.ts";
import { envoy } from "../binary/gateway/programs.ts";
import { envoyConfig, type Way, ways } from "./envoy/envoy-config.ts";
import { requests, turn, type Turn, type Workers } from "./envoy/turns.ts";
import type { Figure, FiguresBench } from "./figures.ts";
import { cores, moveTo } from "./renewals/pinned.ts";
import { end, start, untilOk } from "./sidecar/processes.ts";
import { mounted } from "./sidecar/mounted.ts";
import { median } from "./times.ts";

interface Size {
  readonly rounds: number;
  readonly turnMs: number;
  /** So many different ones, where it is not one again and again. */
  readonly tokens: number;
}

const full: Size = { rounds: 7, turnMs: 2000, tokens: 20_000 };
const quick: Size = { rounds: 1, turnMs: 100, tokens: 20 };

/** Of what Envoy does when nobody is asked: with one token, and with many. */
const goals: Partial<Record<Way, readonly [string, string]>> = {
  gRPC: ["≥ 0.25×", "≥ 0.15×"],
  "gRPC, Unix socket": ["≥ 0.25×", "≥ 0.15×"],
  HTTP: ["≥ 0.30×", "≥ 0.18×"],
  "HTTP, Unix socket": ["≥ 0.30×", "≥ 0.18×"],
};

/** Shares its name with the bench of verify and mint. Linux only. */
export const envoyBench: FiguresBench = {
  name: "gateway",
  what: "Envoy and the program of the image on one core, ES256; who asks has another one",
  async figures(isQuick) {
    for (const script of ["hack/bundle.ts", "dist/bundle/compile.cjs"]) {
      const { code, output } = await run(["node", script]);
      if (code !== 0) throw new Error(output);
    }
    const folder = await mkdtemp(join(tmpdir(), "keyturn-bench-"));
    try {
      return await contest(folder, isQuick ? quick : full);
    } finally {
      await moveTo("any");
      await rm(folder, { recursive: true });
    }
  },
};

async function contest(folder: string, { rounds, turnMs, tokens }: Size): Promise<readonly Figure[]> {
  const found = await envoy();
  if ("missing" in found) throw new Error(`Cannot measure with Envoy: ${found.missing}`);
  const { front, admin, mint, run: runGateway } = await mounted(folder, "envoy");
  const ports = new Map<Way, number>();
  for (const way of ways) ports.set(way, await freePort());
  const of = (way: Way): number => ports.get(way) ?? 0;
  const [grpc, socketAdmin] = [await freePort(), await freePort()];
  const [frontSocket, grpcSocket] = [join(folder, "front.sock"), join(folder, "grpc.sock")];
  const config = join(folder, "envoy.json");
  await writeFile(config, JSON.stringify(envoyConfig({ of, front, grpc, frontSocket, grpcSocket }, tokens)));
  // Whoever is started from here is on this core
  await moveTo(cores.measured);
  const gateway = runGateway(`--grpc-listen=127.0.0.1:${grpc}`);
  const sockets = [`--listen=unix:${frontSocket}`, `--grpc-listen=unix:${grpcSocket}`];
  const atSockets = runGateway(...sockets, `--admin-listen=:${socketAdmin}`);
  for (const port of [admin, socketAdmin]) await untilOk(port, "/readyz");
  const flags = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "error"];
  const envoyProcess = start(found.path, ["-c", config, ...flags]);
  const workersOf = (way: Way): Workers => ({
    envoy: envoyProcess,
    gateway: way.endsWith("Unix socket") ? atSockets : gateway,
  });
  await moveTo(cores.others);
  try {
    await untilOk(of("nobody asked"), "/");
    const many = requests(Array.from({ length: tokens }, (_, i) => mint(`user-${i}`)));
    const loads = [requests([mint("user")]), many] as const;
    const asked = ways.flatMap((way) =>
      loads.map((next, which) => ({ name: `${way} ${which}`, workers: workersOf(way), port: of(way), next })),
    );
    const seen = await turnsOf(asked, { rounds, turnMs, tokens });
    return figuresOf((way, which) => seen.get(`${way} ${which}`) ?? []);
  } finally {
    await Promise.all([envoyProcess, gateway, atSockets].map(end));
  }
}

interface Asked {
  readonly name: string;
  readonly workers: Workers;
  readonly port: number;
  readonly next: () => string;
}

/** All in turns, round by round: what slows the machine for a while slows all of them. */
async function turnsOf(
  asked: readonly Asked[],
  { rounds, turnMs, tokens }: Size,
): Promise<ReadonlyMap<string, readonly Turn[]>> {
  const seen = new Map<string, Turn[]>(asked.map(({ name }) => [name, []]));
  // For the compilers, and so that each token has been seen once
  for (const { workers, port, next } of asked) {
    for (let answers = 0; answers < tokens;) answers += (await turn(workers, { port, next, forMs: turnMs })).answers;
  }
  for (let count = 0; count < rounds; count++) {
    for (const { name, workers, port, next } of asked) {
      seen.get(name)?.push(await turn(workers, { port, next, forMs: turnMs }));
    }
  }
  return seen;
}

function figuresOf(seen: (way: Way, which: number) => readonly Turn[]): readonly Figure[] {
  return ways.slice(1).flatMap((way) =>
    ["one token", "20,000 tokens"].flatMap((load, which): Figure[] => {
      const [ours, bare] = [seen(way, which), seen("nobody asked", which)];
      const rate = (turns: readonly Turn[]) => median(turns.map((one) => one.rate));
      const ofCpu = (turns: readonly Turn[]) => median(turns.map((one) => 1e6 / (one.envoyMicros + one.gatewayMicros)));
      const micros = (part: "envoyMicros" | "gatewayMicros") => median(ours.map((one) => one[part]));
      const goal = goals[way]?.[which];
      const baseline = { name: "nobody asked", value: rate(bare) };
      return [
        { what: `${way}, ${load}`, unit: "a second", ours: rate(ours), baseline, ...(goal !== undefined && { goal }) },
        {
          what: "the same",
          unit: "a CPU second",
          ours: ofCpu(ours),
          baseline: { name: "nobody asked", value: ofCpu(bare) },
        },
        {
          what: "of that, the gateway",
          unit: "µs",
          ours: micros("gatewayMicros"),
          baseline: { name: "Envoy", value: micros("envoyMicros") },
        },
      ];
    }),
  );
}
