import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { agentContainer, type AgentSidecar, agentVolumes } from "../../src/inject/agent-sidecar.ts";
import { gatewayContainer, type GatewaySidecar, gatewayVolumes } from "../../src/inject/gateway-sidecar.ts";
import type { InjectOptions } from "../../src/inject/inject-options.ts";
import { inject } from "../../src/inject/inject.ts";
import { labels } from "../../src/parse/api-names.ts";

const flags = ["--issuer=https://tokens.example", "--proxy-listen=127.0.0.1:8082", "--upstream=https://api.example"];
const agent: AgentSidecar = {
  ...{ image: "keyturn:1", keeps: { identity: "orders" }, issuerToken: { audience: "keyturn-issuer" }, flags },
  ports: { "--agent-admin-port": 9091, "--proxy-listen": 8082 },
};
const many: AgentSidecar = {
  ...agent,
  keeps: { configMap: "agent" },
  flags: [],
  ports: { "--agent-admin-port": 9091 },
};
const gateway: GatewaySidecar = {
  ...{ rotation: "keys", image: "keyturn:1", flags: [] },
  ports: { "--port": 8080, "--admin-port": 9090 },
};

const workload = (spec = ""): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
  namespace: shop
spec:
  template:
    metadata:
      labels:
        app: orders
    spec:
      serviceAccountName: orders
${spec}      containers:
        - name: app # ours
          image: orders:1
          ports:
            - containerPort: 3000
`;

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts?: readonly { readonly name: string }[];
}
interface Spec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext?: object;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly object[];
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: object };
  readonly spec: { readonly template: { readonly metadata: { readonly labels: object }; readonly spec: Spec } };
}

const parse = (text: string): Manifest[] =>
  parseAllDocuments(text, { version: "1.1" }).map((document) => document.toJS() as Manifest);
const specIn = (text: string): Spec => parse(text)[0]?.spec.template.spec as Spec;
const injected = (text: string, options: InjectOptions): Spec => specIn(inject(text, options).manifest);

const mount = { name: "keyturn-agent", mountPath: "/run/keyturn-agent", readOnly: true };
const socket = { name: "KEYTURN_AGENT_SOCKET", value: "/run/keyturn-agent/agent.sock" };
const told = [
  socket,
  { name: "KEYTURN_IDENTITY", value: "orders" },
  { name: "KEYTURN_TOKEN_FILE", value: "/run/keyturn-agent/token" },
];

describe("inject, of an agent", () => {
  it("adds container and volumes, tells the application where token and socket are, and leaves the rest", () => {
    const { manifest, notes } = inject(workload(), { agent });
    const spec = specIn(manifest);
    expect(spec.initContainers).toEqual([agentContainer(agent)]);
    expect(spec.volumes).toEqual(agentVolumes(agent));
    expect(spec.containers).toEqual([
      { name: "app", image: "orders:1", ports: [{ containerPort: 3000 }], env: told, volumeMounts: [mount] },
    ]);
    expect(manifest).toContain("name: app # ours");
    expect(parse(manifest)).toHaveLength(1);
    expect(notes).toEqual([
      'orders: the agent comes to the issuer as "system:serviceaccount:shop:orders", by a token for "keyturn-issuer": the TokenIssuer must trust that',
    ]);
  });

  it("has no controller wait for it, leaves the API token alone, and lets those find it that scrape", () => {
    const { manifest } = inject(workload(), { agent });
    expect(parse(manifest)[0]?.spec.template.metadata.labels).toEqual({ app: "orders", [labels.agent]: "true" });
    expect(specIn(manifest).automountServiceAccountToken).toBeUndefined();
  });

  it("hands the token over to the application's processes, by the group of the image", () => {
    expect(injected(workload(), { agent }).securityContext).toEqual({ supplementalGroups: [65532] });
    const own = workload("      securityContext: { fsGroup: 1, supplementalGroups: [7] }\n");
    expect(injected(own, { agent }).securityContext).toEqual({ fsGroup: 1, supplementalGroups: [7, 65532] });
    expect(agentContainer(agent)).toMatchObject({ securityContext: { runAsGroup: 65532 } });
  });

  it("keeps the credential and what it stores to itself", () => {
    const { containers, volumes = [] } = injected(workload(), { agent });
    const shown = containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name));
    expect(shown).toEqual(["keyturn-agent"]);
    expect(volumes).toContainEqual({
      name: "keyturn-agent-issuer",
      projected: {
        sources: [{ serviceAccountToken: { path: "token", audience: "keyturn-issuer", expirationSeconds: 3600 } }],
      },
    });
    for (const name of ["keyturn-agent", "keyturn-agent-state"]) {
      expect(volumes).toContainEqual({ name, emptyDir: { medium: "Memory", sizeLimit: "16Mi" } });
    }
  });

  it("has the application start when the first token is there", () => {
    expect(agentContainer(agent)).toMatchObject({
      // It is not to end while the issuer is away: the kubelet would start it more and more seldom
      args: expect.arrayContaining(["--start-without"]) as unknown,
      restartPolicy: "Always",
      startupProbe: { httpGet: { path: "/readyz", port: "keyturn-agent" } },
      ports: [{ name: "keyturn-agent", containerPort: 9091 }],
    });
  });

  it("tells init containers that come after it, too, and not the gateway", () => {
    const text = workload("      initContainers: [{name: migrate, image: m}]\n");
    const { initContainers = [] } = injected(text, { agent, gateway });
    expect(initContainers.map(({ name }) => name)).toEqual(["keyturn", "keyturn-agent", "migrate"]);
    expect(initContainers[2]).toMatchObject({ env: told, volumeMounts: [mount] });
    expect(initContainers[0]).toEqual(gatewayContainer(gateway));
  });

  it("reads the file of a ConfigMap, and then says nothing of identities", () => {
    const { initContainers = [], volumes, containers } = injected(workload(), { agent: many });
    expect(initContainers[0]?.args).toContain("--config=/run/keyturn/config/agent.yaml");
    expect(JSON.stringify(initContainers[0]?.args)).not.toMatch(/token-file|sink/);
    expect(volumes).toContainEqual({ name: "keyturn-agent-config", configMap: { name: "agent" } });
    expect(containers[0]?.env).toEqual([socket]);
  });

  it("gives the agent who signed the issuer's certificate", () => {
    const withCa = { ...agent, issuerToken: { audience: "aud", caConfigMap: "issuer-ca" } };
    const { initContainers, volumes } = injected(workload(), { agent: withCa });
    expect(initContainers?.[0]?.args).toContain("--ca-file=/run/keyturn/issuer/ca.crt");
    expect(JSON.stringify(volumes)).toContain('"configMap":{"name":"issuer-ca"');
  });

  it("makes an account for pods that have the default one, and it alone", () => {
    const text = workload().replace("      serviceAccountName: orders\n", "");
    const { manifest } = inject(text, { agent });
    expect(specIn(manifest).serviceAccountName).toBe("orders-keyturn");
    expect(parse(manifest).slice(1)).toMatchObject([
      { kind: "ServiceAccount", metadata: { name: "orders-keyturn", labels: { [labels.sidecar]: "agent" } } },
    ]);
  });

  it("stands beside the gateway in one run", () => {
    const { manifest } = inject(workload(), { gateway, agent });
    const spec = specIn(manifest);
    expect(spec.initContainers).toEqual([gatewayContainer(gateway), agentContainer(agent)]);
    expect(spec.volumes).toEqual([...gatewayVolumes(gateway), ...agentVolumes(agent)]);
    expect(parse(manifest).map(({ kind }) => kind)).toEqual(["Deployment", "Role", "RoleBinding"]);
  });

  it.each<[string, InjectOptions]>([
    ["the agent", { agent }],
    ["one with a ConfigMap", { agent: many }],
    ["both", { agent, gateway }],
  ])("changes nothing the second time: %s", (_, options) => {
    for (const text of [workload(), workload().replace("      serviceAccountName: orders\n", "")]) {
      const once = inject(text, options).manifest;
      expect(inject(once, options).manifest).toBe(once);
    }
  });

  it("brings up to date what was injected before", () => {
    const once = inject(workload(), { agent }).manifest;
    const now = { ...agent, image: "keyturn:2", keeps: { identity: "other" }, flags: [] };
    const spec = injected(once, { agent: now });
    expect(spec.initContainers).toEqual([agentContainer(now)]);
    expect(spec.containers[0]?.env).toContainEqual({ name: "KEYTURN_IDENTITY", value: "other" });
    expect(spec.containers[0]?.volumeMounts).toEqual([mount]);
    expect(injected(once, { agent: many }).containers[0]?.env).toEqual([socket]);
  });

  it("takes away what it put, to the last byte, and says so", () => {
    const text = workload("      volumes: [{name: data, emptyDir: {}}]\n").replace(
      "          ports:",
      "          env:\n            - name: A\n              value: b\n          ports:",
    );
    const { manifest } = inject(text, { gateway });
    expect(inject(inject(text, { gateway, agent }).manifest, { gateway }).manifest).toBe(manifest);
    const { notes } = inject(inject(text, { gateway, agent }).manifest, {});
    expect(notes).toEqual([
      "orders: the gateway that was injected before is taken away",
      "orders: the agent that was injected before is taken away",
    ]);
    expect(inject(inject(workload(), { agent }).manifest, {}).manifest).toBe(workload());
    const onDefault = workload().replace("      serviceAccountName: orders\n", "");
    expect(inject(inject(onDefault, { agent }).manifest, {}).manifest).toBe(onDefault);
  });

  it("leaves what an application says of itself where no agent was", () => {
    const env = [
      { name: "KEYTURN_AGENT_SOCKET", value: "/mine" },
      { name: "KEYTURN_IDENTITY", value: "a" },
    ];
    const own = workload("      securityContext: {supplementalGroups: [65532]}\n").replace(
      "          ports:",
      `          env: ${JSON.stringify(env)}\n          ports:`,
    );
    expect(injected(own, { gateway })).toMatchObject({
      containers: [{ env }],
      securityContext: { supplementalGroups: [65532] },
    });
    const once = inject(own, { agent: many }).manifest;
    expect(injected(once, { agent: many }).containers[0]?.env).toEqual([socket, env[1]]);
  });

  it("adds to containers that are aliases, at this place alone", () => {
    const text = `apiVersion: v1
kind: Pod
metadata: {name: a, labels: {x: y}}
x-app: &app {name: app, image: i}
spec: {containers: [*app, {name: other, image: i}], serviceAccountName: a}
`;
    const [pod] = parse(inject(text, { agent }).manifest) as unknown as [{ "x-app": object; spec: Spec }];
    expect(pod["x-app"]).toEqual({ name: "app", image: "i" });
    expect(pod.spec.containers.map(({ env }) => env)).toEqual([told, told]);
  });

  it.each<[string, string, AgentSidecar?]>([
    [workload().replace("3000", "9091"), "port 9091 must be free, the application has it; --agent-admin-port takes"],
    [
      workload().replace("3000", "8082"),
      "port 8082 must be free, the application has it; --proxy-listen takes another",
    ],
    [workload().replace("name: app", "name: keyturn-agent"), 'must not be named "keyturn-agent" already'],
    [workload("      hostNetwork: true\n"), "--proxy-listen must be unix:/path on a shared volume"],
    [
      workload().replace("ports:", "volumeMounts: [{name: x, mountPath: /run/keyturn-agent}]\n          ports:"),
      "/run/keyturn-agent must be free, the application has mounted something there",
    ],
    ["kind: Service", "must have a workload"],
  ])("refuses what it does not fit into, and says why: %#", (text, reason) => {
    expect(() => inject(text, { agent })).toThrow(reason);
  });
});
