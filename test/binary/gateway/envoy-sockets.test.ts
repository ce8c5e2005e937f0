import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { freePort } from "../../../hack/free-port.ts";
import { Keyturn } from "../support/keyturn.ts";
import { LineProcess } from "../support/line-process.ts";
import { example } from "./examples.ts";
import { envoy } from "./programs.ts";
import { answers } from "./proxy.ts";
import { World } from "./world.ts";

const ways = ["gRPC", "HTTP"] as const;

let missing: string | undefined;
let world: World;
let folder: string;
const running: LineProcess[] = [];
const ports = new Map<string, number>();

/** The configuration of docs/gateway.md, with the endpoints that it shows for sockets. */
async function startEnvoy(over: (typeof ways)[number], path: string): Promise<void> {
  const all = { gateway: 0, grpc: 0, application: world.application, proxy: await freePort() };
  const filter: unknown = parse(await example("Envoy, ext_authz over HTTP", all));
  const pipes: unknown = parse((await example("Envoy, at a Unix socket", all)).replaceAll("/run/keyturn", folder));
  const [front, grpc] = Array.isArray(pipes) ? (pipes as unknown[]) : [];
  const endpoints = new Map([
    ["keyturn", front],
    ["keyturn-grpc", grpc],
  ]);
  const config: unknown = parse(await example("Envoy", all), (key, value: unknown) => {
    if (key === "http_filters" && over === "HTTP" && Array.isArray(value)) return [filter, (value as unknown[]).at(-1)];
    if (key !== "load_assignment" || typeof value !== "object" || value === null) return value;
    const endpoint = "cluster_name" in value ? endpoints.get(String(value.cluster_name)) : undefined;
    return endpoint === undefined ? value : { ...value, endpoints: [{ lb_endpoints: [endpoint] }] };
  });
  const file = join(folder, `${over}.yaml`);
  await writeFile(file, stringify(config));
  const child = new LineProcess(path, ["-c", file, "--disable-hot-restart", "--concurrency", "1"]);
  running.push(child);
  ports.set(over, all.proxy);
  await answers(all.proxy, child);
}

beforeAll(async () => {
  const found = await envoy();
  if ("missing" in found) {
    missing = found.missing;
    return;
  }
  folder = await mkdtemp(join(tmpdir(), "keyturn-sockets-"));
  world = await World.begin([]);
  const mint = await freePort();
  const gateway = (await Keyturn.build()).start([
    ...["gateway", "--dir", world.dir, "--claim-headers", "sub=X-Auth-Subject", "--admin-listen", "127.0.0.1:0"],
    ...["--listen", `unix:${folder}/front.sock`, "--grpc-listen", `unix:${folder}/grpc.sock`],
    ...["--mint-listen", `127.0.0.1:${mint}`],
  ]);
  running.push(gateway);
  // Opens when the gateway is ready
  await answers(mint, gateway);
  for (const way of ways) await startEnvoy(way, found.path);
}, 180_000);

afterAll(async () => {
  if (missing !== undefined) return;
  for (const child of running) await child.end();
  await world.end();
  await rm(folder, { recursive: true });
});

test.for(ways)("Envoy asks a gateway at a Unix socket over %s, as docs/gateway.md shows", async (way, context) => {
  if (missing !== undefined) context.skip(missing);
  const url = `http://127.0.0.1:${ports.get(way)}`;
  const { token } = await world.mint();
  const passed = await fetch(`${url}/orders`, { headers: { authorization: `Bearer ${token}` } });
  expect([passed.status, await passed.json()]).toMatchObject([200, { "x-auth-subject": "alice" }]);
  const refused = await fetch(`${url}/orders`);
  expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, expect.stringMatching(/^Bearer/)]);
  await refused.text();
  const keys = await fetch(`${url}/.well-known/jwks.json`);
  expect([keys.status, await keys.json()]).toMatchObject([200, { keys: [{ kty: "EC" }, { kty: "EC" }] }]);
});
