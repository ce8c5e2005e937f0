import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { helmMajors } from "../../hack/helm.ts";
import { root } from "../../hack/run.ts";
import { gatewayContainer, type GatewaySidecar } from "../../src/inject/gateway-sidecar.ts";
import type { GatewaySessions } from "../../src/inject/gateway-sessions.ts";
import { inject } from "../../src/inject/inject.ts";
import { flagsOf } from "./support/program.ts";
import { runHelm } from "./support/render.ts";
import { withoutRecord } from "./support/without-record.ts";
import { plain } from "./support/plain.ts";

let chart = "";
let shown = "";

/** The template that docs/sessions.md shows, in a chart that has the library as Helm unpacks it. */
beforeAll(async () => {
  const page = await readFile(join(root, "docs/sessions.md"), "utf8");
  shown = /```yaml\n# templates\/deployment.yaml, with sessions\n(.*?)```/s.exec(page)?.[1] ?? "";
  chart = await mkdtemp(join(tmpdir(), "keyturn-consumer-"));
  await mkdir(join(chart, "templates"));
  const dependencies = [{ name: "keyturn-sidecar", version: "0.1.0", repository: "file://charts/keyturn-sidecar" }];
  await writeFile(
    join(chart, "Chart.yaml"),
    stringify({ apiVersion: "v2", name: "orders", version: "1.0.0", dependencies }),
  );
  await cp(join(root, "charts/keyturn-sidecar"), join(chart, "charts/keyturn-sidecar"), { recursive: true });
});

afterAll(() => rm(chart, { recursive: true, force: true }));

const pods = { rotation: "orders", serviceAccountName: "orders", namespace: "shop" };

interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: string;
  readonly appProtocol: string;
}
interface Manifest {
  readonly kind: string;
  readonly spec?: { readonly ports?: readonly ServicePort[] };
}

/** Helm sorts by kind. */
const parse = (text: string): readonly Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest)
    .sort((a, b) => a.kind.localeCompare(b.kind));

/** What the chart renders, with other arguments for the templates: the Service by itself. */
async function rendered(sessions?: object, major: (typeof helmMajors)[number] = 4) {
  const given = `{{- $keyturn := fromJson ${JSON.stringify(JSON.stringify({ ...pods, sessions }))} }}`;
  const template = sessions === undefined ? shown : shown.replace(/^\{\{- \$keyturn := .*$/m, () => given);
  await writeFile(join(chart, "templates/deployment.yaml"), template);
  const { code, out, err } = await runHelm(["template", "orders", chart, "--namespace", "shop"], { major });
  if (code !== 0) throw new Error(err);
  const all = parse(out);
  return {
    objects: all.filter(({ kind }) => kind !== "Service"),
    servicePorts: all.find(({ kind }) => kind === "Service")?.spec?.ports ?? [],
  };
}

const ports = { "--session-port": 8083, "--session-grpc-port": 8084 };

function sidecarWith(sessions: Partial<GatewaySessions>, flags: readonly string[] = []): GatewaySidecar {
  return {
    ...{ rotation: "orders", image: "ghcr.io/keyturn/keyturn:0.1.0", flags },
    ports: { "--port": 8080, "--admin-port": 9090 },
    sessions: { ports, drainMs: 20_000, ...sessions },
  };
}

const injected = (gateway: GatewaySidecar): readonly Manifest[] =>
  withoutRecord(parse(inject(plain, { namespace: "shop", gateway }).manifest));

const bus = "nats://nats-0:4222,nats://nats-1:4222";

describe.each(helmMajors)("the sessions of charts/keyturn-sidecar, rendered by Helm %i", (major) => {
  it.each<[string, object, GatewaySidecar]>([
    ["as little as it takes", {}, sidecarWith({})],
    ["a bus that lets everybody in", { bus }, sidecarWith({}, [`--session-bus=${bus}`])],
    [
      "all that there is",
      { port: 9001, grpcPort: 9002, bus, busSecret: "nats", busCaConfigMap: "nats-ca" },
      sidecarWith(
        {
          ports: { "--session-port": 9001, "--session-grpc-port": 9002 },
          bus: { secretName: "nats", caConfigMap: "nats-ca" },
        },
        [`--session-bus=${bus}`],
      ),
    ],
  ])("are what keyturn inject makes of the same application: %s", async (_, sessions, gateway) => {
    const { objects, servicePorts } = await rendered(sessions, major);
    expect(objects).toEqual(injected(gateway));
    const containerPorts = gatewayContainer(gateway)["ports"] as readonly { name: string; containerPort: number }[];
    const named = containerPorts.filter(({ name }) => name.startsWith("sessions"));
    expect(servicePorts.map(({ targetPort, port }) => ({ name: targetPort, containerPort: port }))).toEqual(named);
  });
});

it("is what the documentation shows", async () => {
  const { objects, servicePorts } = await rendered();
  const flags = ["--session-bus=nats://nats:4222"];
  expect(objects).toEqual(injected(sidecarWith({ bus: { secretName: "nats" } }, flags)));
  expect(servicePorts).toEqual([
    { name: "sessions-ws", port: 8083, targetPort: "sessions-ws", appProtocol: "kubernetes.io/ws" },
    { name: "sessions-grpc", port: 8084, targetPort: "sessions-grpc", appProtocol: "kubernetes.io/h2c" },
  ]);
});

it("gives the gateway flags that it has", async () => {
  const { args } = gatewayContainer(sidecarWith({ bus: { secretName: "nats", caConfigMap: "nats-ca" } }));
  const flags = (args as readonly string[]).filter((arg) => arg.startsWith("--")).map((arg) => arg.replace(/=.*/, ""));
  expect(await flagsOf("gateway")).toEqual(expect.arrayContaining(flags));
});

it.each([{ busSecret: "nats" }, { busCaConfigMap: "nats-ca" }])(
  "says that a bus must be given: %j",
  async (sessions) => {
    await expect(rendered(sessions)).rejects.toThrow("keyturn-sidecar: sessions.bus must be given");
  },
);
