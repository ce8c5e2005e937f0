import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { root } from "../../hack/run.ts";
import { AgentMetrics } from "../../src/agent/agent-metrics.ts";
import { GatewayMetrics } from "../../src/gateway/gateway-metrics.ts";
import { StatusLag } from "../../src/controller/status-lag.ts";
import { measureWatches } from "../../src/controller/watch-metrics.ts";
import { HolderMetrics } from "../../src/holder/holder-metrics.ts";
import { addKeyMetrics } from "../../src/holder/key-metrics.ts";
import { IssuerMetrics } from "../../src/issuer/issuer-metrics.ts";
import { RotationMetrics } from "../../src/keeper/rotation-metrics.ts";
import { RevokedSet } from "../../src/jwt/revoked-set.ts";
import { addRevocationMetrics } from "../../src/revocations/revocation-metrics.ts";
import { SessionMetrics } from "../../src/sessions/session-metrics.ts";
import { agentContainer } from "../../src/inject/agent-sidecar.ts";
import { gatewayContainer } from "../../src/inject/gateway-sidecar.ts";
import { labels } from "../../src/parse/api-names.ts";
import { Metrics } from "../../src/runtime/controller-metrics.ts";
import { everything, podOf, render, type Rendered, the } from "./support/render.ts";
import { hasParser, labelsUsedIn, metricsIn, parsed } from "./support/promql.ts";

/** Every series that a program of ours has, and the labels that it gives them. */
async function series(): Promise<ReadonlyMap<string, readonly string[]>> {
  const process = new Metrics();
  process.watchQueues([]);
  process.watchElection("", { isLeader: false });
  process.watchEvents({ dropped: { object: 0, waiting: 0, refused: 0 } });
  process.observer("");
  const rotation = new Registry();
  new RotationMetrics(rotation, () => 0);
  new StatusLag(rotation, () => 0);
  measureWatches(rotation, () => []);
  const gateway = new Registry();
  new GatewayMetrics(gateway);
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  new HolderMetrics({ registry: gateway, prefix: "keyturn_gateway", clock, state: () => undefined });
  addKeyMetrics({ registry: gateway, prefix: "keyturn_gateway", memory: () => undefined });
  addRevocationMetrics(
    { revoked: new RevokedSet(), isConnected: false, silenceMs: 0 },
    { registry: gateway, prefix: "keyturn_gateway" },
  );
  new SessionMetrics({ registry: gateway, prefix: "keyturn_gateway", graceMs: 0 }).watch({
    service: { size: { open: 0, peers: 0, bytes: 0, remembered: 0 } },
    hub: { isAttached: false },
    bus: { isConnected: false },
  });
  const issuer = new Registry();
  const nothing = (): undefined => undefined;
  new IssuerMetrics(issuer, {
    grants: nothing,
    revocations: () => 0,
    load: nothing,
    isFileRefused: () => false,
    isStoreAway: () => false,
  });
  new HolderMetrics({ registry: issuer, prefix: "keyturn_issuer", clock, state: () => undefined });
  const agent = new Registry();
  new AgentMetrics(agent, nothing);
  const registries = [process.registry, rotation, gateway, issuer, agent];
  const found = registries.flatMap((registry) => registry.getMetricsAsArray() as readonly unknown[]);
  const all = found as readonly { name: string; labelNames?: readonly string[] }[];
  return new Map(
    all.flatMap(({ name, labelNames = [] }) =>
      ["", "_bucket", "_sum", "_count"].map((suffix) => {
        const own = suffix === "_bucket" ? [...labelNames, "le"] : labelNames;
        return [`${name}${suffix}`, own] as const;
      }),
    ),
  );
}

/** What Prometheus adds to what it scrapes. */
const targetLabels = ["namespace", "pod", "job", "instance", "container", "endpoint"];

async function expectSound(expr: string): Promise<void> {
  const known = await series();
  const used = metricsIn(expr);
  expect(used.length, expr).toBeGreaterThan(0);
  for (const metric of used) expect([...known.keys()], expr).toContain(metric);
  const labels = [...targetLabels, ...used.flatMap((metric) => known.get(metric) ?? [])];
  for (const label of labelsUsedIn(expr)) expect(labels, expr).toContain(label);
}

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const alertsOf = (objects: readonly Rendered[]): readonly Alert[] =>
  (the(objects, "PrometheusRule").spec as { groups: readonly { rules: readonly Alert[] }[] }).groups.flatMap(
    ({ rules }) => rules,
  );

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} -]/gu, "")
    .replaceAll(" ", "-");

describe("the PrometheusRule", () => {
  it("asks for what the programs measure, by labels that there are", async () => {
    const alerts = alertsOf(await render(everything));
    expect(alerts.length).toBeGreaterThanOrEqual(10);
    for (const { expr } of alerts) await expectSound(expr);
  });

  it("tells its reader what is wrong and where to read on", async () => {
    for (const { alert, labels, annotations, expr } of alertsOf(await render(everything))) {
      expect(["critical", "warning"], alert).toContain(labels["severity"]);
      const { summary = "", description = "", runbook_url: url = "" } = annotations;
      expect(Math.min(summary.length, description.length), alert).toBeGreaterThan(20);
      const [, file = "", anchor] = /\/blob\/main\/(docs\/[a-z]+\.md)(?:#(.*))?$/.exec(url) ?? [];
      const headings = (await readFile(join(root, file), "utf8")).matchAll(/^#+ (.*)$/gm);
      if (anchor !== undefined) expect([...headings].map(([, text = ""]) => anchorOf(text))).toContain(anchor);
      const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(", "));
      const said = [...`${summary}${description}`.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
      expect(grouped, alert).toEqual(expect.arrayContaining(said));
    }
  });

  it("watches this release's controller among those of others", async () => {
    const text = JSON.stringify(alertsOf(await render(everything, { release: "other" })));
    expect(text).toContain('leader_election_master_status{name=\\"other-keyturn-controller\\"}');
    expect(text).toContain('job=\\"other-keyturn-controller-metrics\\"');
    expect(text).not.toContain("%");
  });

  it("leaves out what is not wanted, and takes more rules and labels", async () => {
    const extra = { record: "keyturn:rotations:rate1h", expr: "sum(rate(keyturn_rotations_total[1h]))" };
    const prometheusRule = {
      ...{ enabled: true, disabled: ["KeyturnStalled"], extraRules: [extra] },
      alertLabels: { team: "platform", severity: "page" },
    };
    const alerts = alertsOf(await render({ metrics: { prometheusRule } }));
    expect(alerts.map(({ alert }) => alert)).not.toContain("KeyturnStalled");
    expect(alerts[0]?.labels).toEqual({ team: "platform", severity: "page" });
    expect(alerts.at(-1)).toEqual(extra);
  });
});

/** What the dashboard's variables stand for, at least in form. */
const filled = (expr: string): string => expr.replaceAll(/\$\w+/g, ".*");

describe("Prometheus' own parser", () => {
  it("takes every expression of the alerts, those of examples/standalone too, and of the dashboard", async (context) => {
    if (!hasParser) context.skip("there is no Go to build Prometheus' parser with");
    const objects = await render(everything);
    const { data } = the(objects, "ConfigMap", "keyturn-dashboard");
    const { panels } = JSON.parse(data?.["keyturn.json"] ?? "") as Dashboard;
    const ofPanels = panels.flatMap(({ targets }) => targets.map(({ expr }) => filled(expr)));
    const standalone = await readFile(join(root, "examples/standalone/alerts.yaml"), "utf8");
    const { groups } = parse(standalone) as { readonly groups: readonly { readonly rules: readonly Alert[] }[] };
    const alerts = [...alertsOf(objects), ...groups.flatMap(({ rules }) => rules)];
    const all = [...alerts.map(({ expr }) => expr), ...ofPanels];
    expect(await parsed(all)).toEqual(all.map(() => ""));
    expect(await parsed(["sum by (a (b)"])).toEqual([expect.stringContaining("parse error")]);
  });
});

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
}

describe("the dashboard", () => {
  it("asks for what the programs measure, and for variables that it has", async () => {
    const { data } = the(await render(everything), "ConfigMap", "keyturn-dashboard");
    const { panels, templating } = JSON.parse(data?.["keyturn.json"] ?? "") as Dashboard;
    const variables = templating.list.map(({ name }) => name);
    for (const { expr, legendFormat } of panels.flatMap(({ targets }) => targets)) {
      await expectSound(expr);
      for (const [, name = ""] of expr.matchAll(/\$(\w+)/g)) expect(variables).toContain(name);
      for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(labelsUsedIn(expr)).toContain(label);
    }
  });

  it("has no panel above another", async () => {
    const { data } = the(await render(everything), "ConfigMap", "keyturn-dashboard");
    const { panels } = JSON.parse(data?.["keyturn.json"] ?? "") as Dashboard;
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});

describe("the monitors", () => {
  it("find the controller's Service by its labels and port, and keep the rotation's labels", async () => {
    const objects = await render(everything);
    const service = the(objects, "Service", "keyturn-controller-metrics");
    const monitor = the(objects, "ServiceMonitor").spec as {
      readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
      readonly endpoints: readonly { readonly port: string; readonly honorLabels: boolean }[];
    };
    expect(service.metadata.labels).toMatchObject(monitor.selector.matchLabels);
    const { ports } = service.spec as { ports: readonly { name: string }[] };
    expect(monitor.endpoints).toMatchObject([{ port: ports[0]?.name, honorLabels: true }]);
  });

  it.each(["keyturn-gateways", "keyturn-agents"])("find %s where the controller looks", async (monitor) => {
    const selectorOf = async (values: object): Promise<unknown> =>
      (the(await render({ ...everything, ...values }), "PodMonitor", monitor).spec as { namespaceSelector: unknown })
        .namespaceSelector;
    expect(await selectorOf({})).toEqual({ any: true });
    expect(await selectorOf({ watchNamespaces: ["shop"], rotations: [] })).toEqual({ matchNames: ["shop"] });
  });

  it("scrape gateways and issuers by the name that each kind of them gives its port", async () => {
    const objects = await render(everything);
    const { podMetricsEndpoints } = the(objects, "PodMonitor", "keyturn-gateways").spec as {
      readonly podMetricsEndpoints: readonly { readonly port: string; readonly path: string }[];
    };
    const ports = { "--port": 8080, "--admin-port": 9090 };
    const options = { rotation: "a", image: "a", ports, flags: [] };
    const [jwks] = podOf(the(objects, "Deployment", "keyturn-jwks")).spec.containers;
    const [issuer] = podOf(the(objects, "Deployment", "keyturn-issuer")).spec.containers;
    const adminPortsOf = ({ ports }: Readonly<Record<string, unknown>>): readonly string[] =>
      (ports as readonly { readonly name: string; readonly containerPort: number }[])
        .filter(({ containerPort }) => containerPort === 9090)
        .map(({ name }) => name);
    const named = [...adminPortsOf(gatewayContainer(options)), ...adminPortsOf(jwks)];
    expect(adminPortsOf(issuer)).toEqual(adminPortsOf(jwks));
    expect(podMetricsEndpoints.map(({ port }) => port).sort()).toEqual(named.sort());
    expect(podMetricsEndpoints).toMatchObject(named.map(() => ({ path: "/metrics" })));
  });

  it("scrape agents by the label and the port that inject gives them", async () => {
    const { selector, podMetricsEndpoints } = the(await render(everything), "PodMonitor", "keyturn-agents").spec as {
      readonly selector: object;
      readonly podMetricsEndpoints: readonly { readonly port: string }[];
    };
    expect(selector).toEqual({ matchExpressions: [{ key: labels.agent, operator: "Exists" }] });
    const agent = {
      ...{ image: "a", keeps: { configMap: "a" }, issuerToken: { audience: "a" }, flags: [] },
      ports: { "--agent-admin-port": 9091 },
    };
    expect(agentContainer(agent)["ports"]).toEqual([{ name: podMetricsEndpoints[0]?.port, containerPort: 9091 }]);
    expect(podMetricsEndpoints).toHaveLength(1);
  });

  it("and all that needs another operator, stay out unless they are asked for", async () => {
    const groups = new Set(
      (await render({ rotations: everything.rotations })).map((one) => one.apiVersion.split("/")[0]),
    );
    expect(groups).not.toContain("monitoring.coreos.com");
  });
});

describe("the network policies", () => {
  it("leave in what scrapes and asks, and out what goes to names and to the API server", async () => {
    const jwksFrom = [{ namespaceSelector: { matchLabels: { a: "b" } } }];
    const apiServerTo = [{ ipBlock: { cidr: "10.0.0.1/32" } }];
    const networkPolicy = { enabled: true, jwksFrom, apiServerTo };
    const policies = (await render({ ...everything, networkPolicy })).filter(({ kind }) => kind === "NetworkPolicy");
    const specs = new Map(policies.map(({ metadata, spec }) => [metadata.name, spec]));
    const scraped = { ports: [{ protocol: "TCP", port: 9090 }] };
    expect(specs.get("keyturn-controller")).toMatchObject({ ingress: [scraped] });
    expect(specs.get("keyturn-jwks")).toMatchObject({ ingress: [scraped, { from: jwksFrom }] });
    // None is let in: the policy is for them, too, and names nobody
    expect(specs.get("keyturn-wait")).toMatchObject({ policyTypes: ["Ingress", "Egress"] });
    expect(specs.get("keyturn-wait")).not.toHaveProperty("ingress");
    const asked = new Map([
      ["keyturn-issuer", [{ ports: [{ port: 443 }, { port: 5432 }] }]],
      ["keyturn-jwks", [{ ports: [{ port: 443 }, { port: 8080 }] }]],
    ]);
    for (const [name, spec] of specs) {
      const more = asked.get(name) ?? [];
      expect(spec).toMatchObject({ egress: [{}, { to: apiServerTo }, ...more] });
    }
    const where = policies.map(({ metadata }) => metadata.namespace);
    expect(where).toEqual(["keyturn-system", "shop", "shop", "keyturn-system"]);
  });

  it("let gateways out to the issuer that tells of revocations, and to nobody where none does", async () => {
    const jwksTo = [{ podSelector: { matchLabels: { a: "b" } } }];
    const networkPolicy = { enabled: true, jwksTo, jwksPorts: [8443] };
    const specWith = async (values: object) =>
      the(await render({ ...everything, networkPolicy, ...values }), "NetworkPolicy", "keyturn-jwks").spec;
    const egress = [{}, {}, { ports: [{ protocol: "TCP", port: 8443 }], to: jwksTo }];
    expect(await specWith({})).toMatchObject({ egress });
    const jwks = { ...everything.jwks, revocations: {} };
    expect(await specWith({ jwks })).toMatchObject({ egress: [{}, {}] });
  });
});
