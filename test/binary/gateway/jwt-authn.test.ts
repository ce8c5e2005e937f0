import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { freePort } from "../../../hack/free-port.ts";
import { LineProcess } from "../support/line-process.ts";
import { example } from "./examples.ts";
import { envoy } from "./programs.ts";
import { answers } from "./proxy.ts";
import { aMoment, type Token, World } from "./world.ts";

const ways = ["without its cache", "with its cache"] as const;
type Way = (typeof ways)[number];

let world: World;
let folder: string;
let missing: string | undefined;
const running: LineProcess[] = [];
const ports = new Map<Way, number>();

/** So long Envoy takes a token after its exp; by itself 60. */
const skewSeconds = 1;

/** The configuration of docs/gateway.md, with keys asked for as often as this test's short waits need. */
async function startEnvoy(way: Way, path: string): Promise<void> {
  const all = { gateway: world.port("gateway"), grpc: 0, application: world.application, proxy: await freePort() };
  const filter: unknown = parse(await example("Envoy's own jwt_authn", all), (key, value: unknown) => {
    if (key === "cache_duration") return "0.2s";
    if (key !== "keyturn" || typeof value !== "object") return value;
    const cache = way === "with its cache" ? { jwt_cache_config: { jwt_cache_size: 100 } } : {};
    return { ...value, clock_skew_seconds: skewSeconds, ...cache };
  });
  const envoyFile: unknown = parse(await example("Envoy", all), (key, value: unknown) =>
    key === "http_filters" && Array.isArray(value) ? [filter, value.at(-1)] : value,
  );
  const file = join(folder, `${all.proxy}.yaml`);
  await writeFile(file, stringify(envoyFile));
  const child = new LineProcess(path, [
    "-c",
    file,
    "--disable-hot-restart",
    "--concurrency",
    "1",
    "--log-level",
    "warn",
  ]);
  running.push(child);
  ports.set(way, all.proxy);
  await answers(all.proxy, child);
}

function needed(context: { skip: (why: string) => void }): void {
  if (missing !== undefined) context.skip(missing);
}

const statusOf = async (way: Way, { token }: Token): Promise<number> => {
  const answer = await fetch(`http://127.0.0.1:${ports.get(way)}/orders`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await answer.text();
  return answer.status;
};

beforeAll(async () => {
  const found = await envoy();
  if ("missing" in found) {
    missing = found.missing;
    return;
  }
  folder = await mkdtemp(join(tmpdir(), "keyturn-jwt-authn-"));
  world = await World.begin([]);
  for (const way of ways) await startEnvoy(way, found.path);
}, 180_000);

afterAll(async () => {
  if (missing !== undefined) return;
  for (const child of running) await child.end();
  await world.end();
  await rm(folder, { recursive: true });
});

test.for(ways)("Envoy's jwt_authn %s passes every request through rotations", async (way, context) => {
  needed(context);
  await world.rotateEvery("1s");
  const goal = world.watch.rotations + 3;
  const statuses = new Map<number, number>();
  const kids = new Set<string>();
  while (world.watch.rotations < goal) {
    const token = await world.mint();
    kids.add(token.kid);
    const status = await statusOf(way, token);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    await aMoment();
  }
  await world.rotateEvery("0s");
  expect([...statuses.keys()]).toEqual([200]);
  expect(kids.size).toBeGreaterThan(2);
});

test.for([
  { way: "without its cache", until: "it has the new keys" },
  // If Envoy mends that, docs/gateway.md is to say so
  { way: "with its cache", until: "the token has ended" },
] as const)("Envoy's jwt_authn $way takes tokens of a revoked key until $until", async ({ way }, context) => {
  needed(context);
  const token = await world.mint();
  expect(await statusOf(way, token)).toBe(200);
  await world.command("revoke", token.kid, "--reason", "a test");
  let status = 200;
  while (status === 200) {
    await aMoment();
    status = await statusOf(way, token);
  }
  expect([status, Date.now() < token.expiresAtMs]).toEqual([401, way === "without its cache"]);
});
