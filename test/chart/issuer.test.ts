import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { gatewayName } from "../../src/inject/gateway-sidecar.ts";
import { parseTokenIssuer } from "../../src/issuer/config/read-token-issuer.ts";
import {
  everything,
  issuer,
  issuerConfig,
  manyIssuers,
  type PodSpec,
  podOf,
  render,
  type Rendered,
  rotations,
  template,
  the,
} from "./support/render.ts";

const name = "keyturn-issuer";
const withIssuer = (more: object = {}, others: object = {}): Promise<readonly Rendered[]> =>
  render({ rotations, issuer: { ...issuer, ...more }, ...others });
const deploymentOf = (objects: readonly Rendered[]): Rendered => the(objects, "Deployment", name);
const podIn = async (more: object = {}): Promise<PodSpec> => podOf(deploymentOf(await withIssuer(more))).spec;
const argsIn = async (more: object = {}): Promise<readonly string[]> => (await podIn(more)).containers[0].args;

interface Volume {
  readonly name: string;
}

const volumeIn = (spec: PodSpec, wanted: string): Volume | undefined =>
  (spec["volumes"] as readonly Volume[]).find((volume) => volume.name === wanted);

describe("the issuer", () => {
  it("is not there unless it is asked for", async () => {
    expect((await render()).filter(({ metadata }) => metadata.name.includes("issuer"))).toEqual([]);
  });

  it("is in the namespace of its rotation, with all that is its own", async () => {
    const objects = await render(everything);
    const own = objects.filter(({ metadata }) => metadata.name === name);
    expect(own.map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual(own.map(({ kind }) => [kind, "shop"]));
    expect(own.map(({ kind }) => kind).sort()).toEqual([
      ...["ConfigMap", "Deployment", "HTTPRoute", "Ingress", "NetworkPolicy", "PodDisruptionBudget", "Role"],
      ...["RoleBinding", "Service", "ServiceAccount"],
    ]);
  });

  it("holds the signer Secret as a gateway does: mounted, watched, acknowledged, under the name that the controller looks for", async () => {
    const { metadata, spec } = podOf(deploymentOf(await withIssuer()));
    const [container, ...others] = spec.containers;
    expect([container.name, ...others]).toEqual([gatewayName]);
    expect(metadata.labels).toMatchObject({ "keyturn.dev/rotation": "gateway" });
    expect(container.args).toEqual(
      expect.arrayContaining([
        ...["issuer", "--rotation=gateway", "--object=gateway-keys"],
        ...["--mount=/run/keyturn/keys", "--floor-dir=/run/keyturn/floor"],
      ]),
    );
    expect(container.env).toMatchObject([
      { name: "NODE_OPTIONS", value: "--max-semi-space-size=4" },
      { name: "KEYTURN_POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "KEYTURN_POD_UID", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
    ]);
    expect(volumeIn(spec, "keys")).toMatchObject({ secret: { secretName: "gateway-keys" } });
  });

  it("may read that Secret, acknowledge, and nothing else of its namespace", async () => {
    expect(the(await withIssuer(), "Role", name).rules).toEqual([
      { apiGroups: [""], resources: ["secrets"], resourceNames: ["gateway-keys"], verbs: ["get", "list", "watch"] },
      { apiGroups: ["keyturn.dev"], resources: ["keyringacks"], verbs: ["get", "list", "watch", "create", "update"] },
    ]);
  });

  it.each([
    ["a trust asks this cluster", { config: issuerConfig }, true],
    ["it is told to", { config: { clients: [], maxAccessTTL: "1h" }, tokenReview: true }, true],
    ["a trust asks another cluster", { config: { trust: [{ tokenReview: { server: "https://other" } }] } }, false],
    ["no trust asks", { config: { trust: [{ discovery: {} }] } }, false],
  ])("may ask about tokens where %s: %j", async (_, more, may) => {
    const objects = await withIssuer(more, { controller: { enabled: false } });
    const rules = objects.filter(({ kind }) => kind === "ClusterRole").map((one) => one.rules);
    const review = [{ apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] }];
    expect(rules).toEqual(may ? [review] : []);
    const subjects = objects.filter(({ kind }) => kind === "ClusterRoleBinding").map((one) => one.subjects);
    expect(subjects).toEqual(may ? [[{ kind: "ServiceAccount", name, namespace: "shop" }]] : []);
  });

  it("can be read by the program: a TokenIssuer, with what it names from Secrets beside it", async () => {
    const objects = await withIssuer();
    const { data = {} } = the(objects, "ConfigMap", name);
    const read = parseTokenIssuer(parse(data["issuer.yaml"] ?? ""), "/run/keyturn/issuer");
    expect(read.clients.map(({ secretFiles }) => secretFiles)).toEqual([["/run/keyturn/issuer/secrets/dashboard"]]);
    expect(await argsIn()).toContain("--config=/run/keyturn/issuer/issuer.yaml");
    const { projected } = volumeIn(await podIn(), "issuer") as unknown as { projected: { sources: unknown } };
    expect(projected.sources).toEqual([
      { configMap: { name, items: [{ key: "issuer.yaml", path: "issuer.yaml" }] } },
      { secret: { name: "dashboard-client", items: [{ key: "secret", path: "secrets/dashboard" }] } },
    ]);
  });

  it("takes a ConfigMap that is there", async () => {
    const objects = await withIssuer({ config: null, existingConfigMap: "mine" });
    expect(objects.filter(({ kind }) => kind === "ConfigMap")).toEqual([]);
    expect(JSON.stringify(podOf(deploymentOf(objects)))).toContain('{"configMap":{"name":"mine"');
  });

  it("hands on what the user adds, last", async () => {
    const more = {
      ...{ extraArgs: ["--drain-timeout=5s"], extraEnv: [{ name: "TZ", value: "UTC" }] },
      extraVolumes: [{ name: "ca", configMap: { name: "ca" } }],
      extraVolumeMounts: [{ name: "ca", mountPath: "/ca" }],
      ...{ trustedProxies: ["10.0.0.0/8", "fd00::/8"], requestRate: 7 },
    };
    const spec = await podIn(more);
    const [{ args, env = [], volumeMounts }] = spec.containers;
    expect(args.at(-1)).toBe("--drain-timeout=5s");
    expect(args).toEqual(expect.arrayContaining(["--trusted-proxies=10.0.0.0/8,fd00::/8", "--request-rate=7"]));
    expect(env.at(-1)).toEqual({ name: "TZ", value: "UTC" });
    expect((volumeMounts as readonly object[]).at(-1)).toEqual(more.extraVolumeMounts[0]);
    expect((spec["volumes"] as readonly object[]).at(-1)).toEqual(more.extraVolumes[0]);
  });
});

describe("on SQLite", () => {
  it("one pod at a time has the file, on a volume that outlives the release", async () => {
    const objects = await withIssuer();
    expect(deploymentOf(objects).spec).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
    const claim = the(objects, "PersistentVolumeClaim");
    expect(claim.metadata).toMatchObject({ name, annotations: { "helm.sh/resource-policy": "keep" } });
    expect(claim.spec).toEqual({ accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } });
    const spec = await podIn();
    expect(spec.containers[0].args).toContain("--store=sqlite:/var/lib/keyturn/grants.db");
    expect(spec.containers[0]["volumeMounts"]).toContainEqual({ name: "store", mountPath: "/var/lib/keyturn" });
    expect(volumeIn(spec, "store")).toMatchObject({ persistentVolumeClaim: { claimName: name } });
    // Whose files are the program's own
    expect(spec["securityContext"]).toMatchObject({ runAsNonRoot: true, fsGroup: 65532 });
    expect(objects.filter(({ kind, metadata }) => kind === "PodDisruptionBudget" && metadata.name === name)).toEqual(
      [],
    );
  });

  it.each([
    [{ existingClaim: "mine" }, { persistentVolumeClaim: { claimName: "mine" } }],
    [{ enabled: false }, { emptyDir: {} }],
  ])("takes %j for a volume", async (persistence, wanted) => {
    const objects = await withIssuer({ persistence });
    expect(objects.filter(({ kind }) => kind === "PersistentVolumeClaim")).toEqual([]);
    expect(volumeIn(podOf(deploymentOf(objects)).spec, "store")).toEqual({ name: "store", ...wanted });
  });

  it("the claim goes with the release where that is wanted", async () => {
    const claim = the(await withIssuer({ persistence: { keep: false } }), "PersistentVolumeClaim");
    expect(claim.metadata.annotations).toBeUndefined();
  });
});

describe("on PostgreSQL", () => {
  it("several pods roll one by one; the URL is a file that no argument or variable shows", async () => {
    const objects = await render({ rotations, issuer: manyIssuers });
    const deployment = deploymentOf(objects);
    expect(deployment.spec).toMatchObject({
      ...{ replicas: 3, strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0 } } },
    });
    const { spec } = podOf(deployment);
    expect(spec.containers[0].args).toContain("--store-file=/run/keyturn/store/url");
    expect(spec.containers[0].args.join(" ")).not.toContain("--store=");
    expect(volumeIn(spec, "store")).toEqual({
      name: "store",
      secret: { secretName: "grants-url", items: [{ key: "url", path: "url" }] },
    });
    expect(objects.filter(({ kind }) => kind === "PersistentVolumeClaim")).toEqual([]);
    expect(the(objects, "PodDisruptionBudget", name).spec).toMatchObject({ maxUnavailable: 1 });
    expect(spec["topologySpreadConstraints"]).toMatchObject([
      { labelSelector: { matchLabels: { "app.kubernetes.io/component": "issuer" } } },
    ]);
  });
});

describe("what can't run is refused", () => {
  it.each([
    ["no rotation", { rotation: "" }, "issuer.rotation: must name the JwtKeyRotation that signs, is empty"],
    [
      "no config",
      { config: {} },
      "issuer.config: must be the spec of a TokenIssuer, or issuer.existingConfigMap the name",
    ],
    ["two configs", { existingConfigMap: "mine" }, "issuer.config: must be empty beside issuer.existingConfigMap"],
    [
      "a whole file",
      { config: { kind: "TokenIssuer", spec: {} } },
      "issuer.config: must be the spec of a TokenIssuer alone",
    ],
    [
      "several pods on SQLite",
      { replicaCount: 2 },
      "issuer.replicaCount: must be at most 1 on SQLite, is 2: name the Secret",
    ],
    [
      "a file that is not mounted",
      { secretFiles: [] },
      'issuer.secretFiles: must have the file "dashboard", which issuer.config names',
    ],
    [
      "a file twice",
      { secretFiles: [...issuer.secretFiles, ...issuer.secretFiles] },
      'must have each file once, has "dashboard" twice',
    ],
    ["an Ingress for no host", { ingress: { enabled: true } }, "issuer.ingress.hosts: must have a host name, is empty"],
    [
      "a route of no Gateway",
      { httpRoute: { enabled: true } },
      "issuer.httpRoute.parentRefs: must name a Gateway, is empty",
    ],
    [
      "acks by an argument",
      { extraArgs: ["--acks=off"] },
      "issuer.extraArgs: must not have --acks, which the chart sets",
    ],
    [
      "a store by an argument",
      { extraArgs: ["--store", "sqlite:a"] },
      "issuer.extraArgs: must not have --store, which",
    ],
  ])("%s", async (_, more, message) => {
    const { code, err } = await template({ rotations, issuer: { ...issuer, ...more } });
    expect(err).toContain(message);
    expect(code).toBe(1);
  });
});

describe("who reaches it", () => {
  it("by its Service, an Ingress and an HTTPRoute", async () => {
    const tls = [{ secretName: "issuer-tls", hosts: ["issuer.example"] }];
    const objects = await withIssuer({
      ingress: { enabled: true, className: "public", hosts: ["issuer.example"], tls },
      httpRoute: { enabled: true, parentRefs: [{ name: "public", namespace: "infra" }], hostnames: ["issuer.example"] },
      service: { port: 8443 },
    });
    expect(the(objects, "Service", name).spec).toMatchObject({
      ...{
        selector: { "app.kubernetes.io/component": "issuer" },
        ports: [{ name: "api", port: 8443, appProtocol: "http" }],
      },
    });
    expect(the(objects, "Ingress").spec).toMatchObject({
      ingressClassName: "public",
      rules: [{ host: "issuer.example", http: { paths: [{ path: "/", backend: { service: { name } } }] } }],
      tls,
    });
    expect(the(objects, "HTTPRoute").spec).toEqual({
      parentRefs: [{ name: "public", namespace: "infra" }],
      hostnames: ["issuer.example"],
      rules: [{ backendRefs: [{ name, port: 8443 }] }],
    });
  });

  it("by HTTPS, with the certificate of a Secret", async () => {
    const objects = await withIssuer({ tls: { secretName: "issuer-tls" } });
    const { spec } = podOf(deploymentOf(objects));
    expect(spec.containers[0].args).toEqual(
      expect.arrayContaining(["--tls-cert-file=/run/keyturn/tls/tls.crt", "--tls-key-file=/run/keyturn/tls/tls.key"]),
    );
    expect(volumeIn(spec, "tls")).toEqual({ name: "tls", secret: { secretName: "issuer-tls" } });
    expect(the(objects, "Service", name).spec).toMatchObject({ ports: [{ appProtocol: "https" }] });
    expect((await argsIn()).filter((arg) => arg.startsWith("--tls"))).toEqual([]);
  });

  it("under a network policy: who may ask, and whom it asks", async () => {
    const issuerFrom = [{ podSelector: {} }];
    const issuerTo = [{ ipBlock: { cidr: "10.0.0.9/32" } }];
    const networkPolicy = { enabled: true, issuerFrom, issuerTo, issuerPorts: [5433] };
    const policy = the(await withIssuer({}, { networkPolicy }), "NetworkPolicy", name);
    expect(policy.spec).toMatchObject({
      ingress: [{ ports: [{ port: 9090 }] }, { ports: [{ port: 8080 }], from: issuerFrom }],
      egress: [{}, {}, { ports: [{ protocol: "TCP", port: 5433 }], to: issuerTo }],
    });
  });
});
