import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { AgentSidecar } from "../../src/inject/agent-sidecar.ts";
import type { GatewaySessions } from "../../src/inject/gateway-sessions.ts";
import { gatewayContainer, type GatewaySidecar } from "../../src/inject/gateway-sidecar.ts";
import { inject } from "../../src/inject/inject.ts";
import type { InjectOptions } from "../../src/inject/inject-options.ts";

const sessions: GatewaySessions = { ports: { "--session-port": 8083, "--session-grpc-port": 8084 }, drainMs: 20_000 };
const without: GatewaySidecar = {
  ...{ rotation: "keys", image: "keyturn:1", flags: ["--session-grace=10s"] },
  ports: { "--port": 8080, "--admin-port": 9090 },
};
const withBus = (bus: Required<GatewaySessions>["bus"]): GatewaySidecar => ({
  ...gateway,
  sessions: { ...sessions, bus },
});
const gateway: GatewaySidecar = { ...without, sessions };
const agent: AgentSidecar = {
  ...{ image: "keyturn:1", keeps: { identity: "orders" }, issuerToken: { audience: "keyturn-issuer" }, flags: [] },
  ports: { "--agent-admin-port": 9091 },
};

const pod = (spec = ""): string => `apiVersion: v1
kind: Pod
metadata:
  name: orders
  namespace: shop
spec:
  serviceAccountName: orders
  automountServiceAccountToken: false
${spec}  containers:
    - name: app # ours
      image: orders:1
      env:
        - name: STAGE
          value: prod
`;

interface Spec {
  readonly initContainers?: readonly Readonly<Record<string, unknown>>[];
  readonly containers: readonly Readonly<Record<string, unknown>>[];
  readonly volumes?: readonly { readonly name: string }[];
  readonly securityContext?: object;
}

/** The pod: what it may do comes after it. */
const specIn = (manifest: string): Spec => (parse(manifest.split("---\n")[0] ?? "") as { readonly spec: Spec }).spec;
const injected = (text: string, options: InjectOptions): Spec => specIn(inject(text, options).manifest);

const hub = { name: "KEYTURN_HUB", value: "unix:/run/keyturn-hub/hub.sock" };
const stage = { name: "STAGE", value: "prod" };
const hubMount = { name: "keyturn-hub", mountPath: "/run/keyturn-hub", readOnly: true };

describe("inject, of sessions", () => {
  it("opens both listeners and the hub, before what the user says of them", () => {
    const [sidecar] = injected(pod(), { gateway }).initContainers ?? [];
    expect(sidecar).toEqual(gatewayContainer(gateway));
    expect((sidecar?.["args"] as readonly string[]).slice(-4)).toEqual([
      "--session-listen=:8083",
      "--session-grpc-listen=:8084",
      "--hub-listen=unix:/run/keyturn-hub/hub.sock",
      "--session-grace=10s",
    ]);
    expect(sidecar?.["ports"]).toEqual(
      expect.arrayContaining([
        { name: "sessions-ws", containerPort: 8083 },
        { name: "sessions-grpc", containerPort: 8084 },
      ]),
    );
  });

  it("lets every container of the application in at the hub, and tells it where that is", () => {
    const spec = injected(pod("  initContainers:\n    - name: migrate\n      image: orders:1\n"), { gateway });
    expect(spec.containers).toEqual([{ name: "app", image: "orders:1", env: [hub, stage], volumeMounts: [hubMount] }]);
    expect(spec.initContainers?.[1]).toEqual({
      ...{ name: "migrate", image: "orders:1", env: [hub], volumeMounts: [hubMount] },
    });
    expect(spec.volumes).toContainEqual({ name: "keyturn-hub", emptyDir: { sizeLimit: "1Mi" } });
    expect(spec.securityContext).toEqual({ supplementalGroups: [65_532] });
  });

  it.each([
    [{ secretName: "nats" }, ["secret"], ["--session-bus-credentials-file=/run/keyturn/bus/nats.creds"]],
    [{ caConfigMap: "nats-ca" }, ["configMap"], ["--session-bus-ca-file=/run/keyturn/bus/ca.crt"]],
    [
      { secretName: "nats", caConfigMap: "nats-ca" },
      ["secret", "configMap"],
      ["--session-bus-credentials-file=/run/keyturn/bus/nats.creds", "--session-bus-ca-file=/run/keyturn/bus/ca.crt"],
    ],
  ])("mounts what the bus asks for, %j, beside nobody else", (bus, sources, flags) => {
    const spec = injected(pod(), { gateway: withBus(bus) });
    const [volume] = spec.volumes?.filter(({ name }) => name === "keyturn-bus") ?? [];
    const projected = (volume as unknown as { projected: { sources: readonly object[] } }).projected;
    expect(projected.sources.flatMap((source) => Object.keys(source))).toEqual(sources);
    const [sidecar] = spec.initContainers ?? [];
    expect((sidecar?.["args"] as readonly string[]).filter((arg) => arg.startsWith("--session-bus"))).toEqual(flags);
    expect(sidecar?.["volumeMounts"]).toContainEqual({
      ...{ name: "keyturn-bus", mountPath: "/run/keyturn/bus", readOnly: true },
    });
    expect(JSON.stringify(spec.containers)).not.toContain("keyturn-bus");
  });

  it("has no volume for a bus that asks for nothing", () => {
    expect(JSON.stringify(injected(pod(), { gateway }))).not.toContain("keyturn-bus");
  });

  it("changes nothing the second time", () => {
    const options = { gateway: withBus({ secretName: "nats" }), agent };
    const once = inject(pod(), options).manifest;
    expect(inject(once, options).manifest).toBe(once);
  });

  it("is taken away again, and leaves what is the application's", () => {
    const { manifest } = inject(pod(), { gateway: withBus({ secretName: "nats" }) });
    expect(injected(manifest, { gateway: without })).toEqual(injected(pod(), { gateway: without }));
    expect(injected(manifest, {})).toEqual(specIn(pod()));
  });

  it("leaves the group to an agent that stays", () => {
    const { manifest } = inject(pod(), { gateway, agent });
    expect(injected(manifest, { gateway: without, agent })).toEqual(injected(pod(), { gateway: without, agent }));
    expect(injected(manifest, { gateway })).toEqual(injected(pod(), { gateway }));
  });

  it("leaves an application its own variable of that name, where no hub was told", () => {
    const own = { name: hub.name, value: "unix:/own.sock" };
    const spec = injected(pod().replace("STAGE", own.name).replace("prod", own.value), { gateway: without });
    expect(spec.containers[0]?.["env"]).toEqual([own]);
  });

  it("says when a pod ends before its sessions do", () => {
    const notesOf = (spec: string, drainMs: number): readonly string[] =>
      inject(pod(spec), { gateway: { ...gateway, sessions: { ...sessions, drainMs } } }).notes.filter((note) =>
        note.includes("cut off"),
      );
    expect(notesOf("  terminationGracePeriodSeconds: 25\n", 20_000)).toEqual([]);
    expect(notesOf("  terminationGracePeriodSeconds: 24\n", 20_000)).toEqual([
      "orders: sessions that are still open are cut off when a pod ends: terminationGracePeriodSeconds must be at least 25, is 24",
    ]);
    expect(notesOf("", 25_000)).toEqual([]);
    expect(notesOf("", 25_001)).toHaveLength(1);
    const quiet = inject(pod("  terminationGracePeriodSeconds: 1\n"), { gateway: without }).notes;
    expect(quiet.join()).not.toContain("cut off");
  });

  it.each<[string, string]>([
    ["ports: [{containerPort: 8083}]", "port 8083 must be free, the application has it; --session-port takes another"],
    ["ports: [{containerPort: 8084}]", "port 8084 must be free, the application has it; --session-grpc-port takes"],
    ["volumeMounts: [{name: a, mountPath: /run/keyturn-hub}]", "/run/keyturn-hub must be free"],
  ])("refuses what it does not fit beside: %s", (line, reason) => {
    expect(() => inject(`${pod()}      ${line}\n`, { gateway })).toThrow(reason);
    expect(() => inject(`${pod()}      ${line}\n`, { gateway: without })).not.toThrow();
  });
});
