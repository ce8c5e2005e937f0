import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { FakeCli } from "../cli/around.ts";

const folder = "examples/sessions/kubernetes";
const file = `${folder}/orders.yaml`;
const textOf = (path: string): string => readFileSync(join(import.meta.dirname, "../..", path), "utf8");
const manifestsIn = (text: string): readonly Manifest[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Manifest);

interface Port {
  readonly name: string;
  readonly port: number;
  readonly containerPort: number;
  readonly targetPort: string;
  readonly appProtocol?: string;
}
interface Rule {
  readonly ports: readonly { readonly port: number }[];
  readonly to?: readonly object[];
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly ports: readonly Port[];
    readonly ingress: readonly Rule[];
    readonly egress: readonly Rule[];
    readonly template: {
      readonly spec: {
        readonly initContainers: readonly { readonly args: readonly string[]; readonly ports: readonly Port[] }[];
      };
    };
  };
}

describe(file, () => {
  let objects: readonly Manifest[] = [];
  let said = "";

  /** By the command that its first lines show. */
  beforeAll(async () => {
    const [, command = ""] = /^# {3}keyturn (.*) \| kubectl apply -f -$/m.exec(textOf(file)) ?? [];
    const cli = new FakeCli();
    cli.files.set(file, textOf(file));
    expect(await cli.run(...command.split(" ")), cli.io.err.text).toBe(0);
    objects = [...manifestsIn(cli.io.out.text), ...manifestsIn(textOf(`${folder}/nats.yaml`))];
    said = cli.io.err.text;
  });

  const the = (kind: string, name: string): Manifest["spec"] => {
    const found = objects.find((one) => one.kind === kind && one.metadata.name === name);
    if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
    return found.spec;
  };
  const sidecar = () => the("Deployment", "orders").template.spec.initContainers[0];

  test("has ports in its Service that the gateway listens on", () => {
    const listening = new Map(sidecar()?.ports.map(({ name, containerPort }) => [name, containerPort]));
    const { ports } = the("Service", "orders-sessions");
    expect(ports.map(({ targetPort, port }) => [port, listening.get(targetPort)])).toEqual([
      [8083, 8083],
      [8084, 8084],
    ]);
    expect(ports.map(({ appProtocol }) => appProtocol)).toEqual(["kubernetes.io/ws", "kubernetes.io/h2c"]);
  });

  test("lets clients in at these, and the gateway out to the bus that it is told of", () => {
    const { ingress, egress } = the("NetworkPolicy", "orders");
    expect(ingress.flatMap(({ ports }) => ports.map(({ port }) => port))).toEqual([8083, 8084, 9090]);
    const [bus] = the("Service", "nats").ports;
    expect(sidecar()?.args).toContain(`--session-bus=nats://nats:${bus?.port}`);
    const label = { matchLabels: { app: "nats" } };
    expect(egress.at(-1)).toEqual({ ports: [{ protocol: "TCP", port: bus?.port }], to: [{ podSelector: label }] });
    expect(the("NetworkPolicy", "nats")).toMatchObject({
      podSelector: label,
      ingress: [{ ports: [{ port: bus?.port }], from: [{ podSelector: { matchLabels: { app: "orders" } } }] }],
    });
  });

  test("gives a pod the time that its drain takes", () => {
    expect(said).not.toContain("cut off");
  });
});
