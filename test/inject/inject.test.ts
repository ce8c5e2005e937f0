import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { labels } from "../../src/parse/api-names.ts";
import { gatewayContainer, type GatewaySidecar, gatewayVolumes } from "../../src/inject/gateway-sidecar.ts";
import { inject as injectAll } from "../../src/inject/inject.ts";

const ports = { "--port": 8080, "--admin-port": 9090 };
const options: GatewaySidecar = { rotation: "orders", image: "keyturn:1", ports, flags: [] };

/** The gateway alone. */
const inject = (text: string, gateway: GatewaySidecar, namespace?: string) =>
  injectAll(text, { gateway, ...(namespace !== undefined && { namespace }) });

const deployment = `# The shop's orders
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  replicas: 3 # one for each zone
  template:
    metadata: {labels: {app: orders}}
    spec:
      serviceAccountName: orders
      containers:
        - name: app
          image: orders:1
          ports: [{containerPort: 3000}]
`;
const service = `# Beside it
apiVersion: v1
kind: Service
metadata: {name: orders}
`;

interface Pod {
  readonly metadata: { readonly labels: object };
  readonly spec: {
    readonly serviceAccountName?: string;
    readonly automountServiceAccountToken?: boolean;
    readonly initContainers: readonly object[];
    readonly containers: readonly object[];
    readonly volumes: readonly object[];
  };
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** As kubectl reads it. */
const parse = (text: string): Manifest[] =>
  parseAllDocuments(text, { version: "1.1" }).map((document) => document.toJS() as Manifest);

const readable = 'orders: every pod of the service account "orders" may read the keys from now on';

function podIn(text: string): Pod {
  const [workload] = parse(text);
  return (workload?.["spec"] as { readonly template: Pod }).template;
}

describe("inject", () => {
  it("adds container, label, volumes and rights, and leaves the rest", () => {
    const { manifest, notes } = inject(`${deployment}---\n${service}`, options);
    const { metadata, spec } = podIn(manifest);
    expect(metadata.labels).toEqual({ app: "orders", [labels.rotation]: "orders" });
    expect(spec.initContainers).toEqual([gatewayContainer(options)]);
    expect(spec.volumes).toEqual(gatewayVolumes(options));
    expect(spec.containers).toHaveLength(1);
    expect(spec.serviceAccountName).toBe("orders");
    expect(parse(manifest).map(({ kind }) => kind)).toEqual(["Deployment", "Service", "Role", "RoleBinding"]);
    for (const comment of ["# The shop's orders", "# one for each zone", "# Beside it"]) {
      expect(manifest).toContain(comment);
    }
    expect(notes).toEqual([
      "orders: the application gets no API token any more (automountServiceAccountToken: false)",
      readable,
    ]);
  });

  it("gives the account that the pods have the rights for one object, and no others", () => {
    const [, role, binding] = parse(inject(deployment, options).manifest);
    expect(role).toMatchObject({
      metadata: { name: "orders-keyturn-orders", namespace: "shop" },
      rules: [
        { apiGroups: [""], resources: ["secrets"], resourceNames: ["orders"], verbs: ["get", "list", "watch"] },
        { apiGroups: ["keyturn.dev"], resources: ["keyringacks"], verbs: ["get", "list", "watch", "create", "update"] },
      ],
    });
    expect(binding).toMatchObject({
      roleRef: { kind: "Role", name: "orders-keyturn-orders" },
      subjects: [{ kind: "ServiceAccount", name: "orders", namespace: "shop" }],
    });
  });

  it.each(["", "serviceAccountName: default"])("makes an account for pods that have the default one (%s)", (line) => {
    const { manifest } = inject(deployment.replace("serviceAccountName: orders", line), options);
    expect(podIn(manifest).spec.serviceAccountName).toBe("orders-keyturn");
    const account = parse(manifest).find(({ kind }) => kind === "ServiceAccount");
    expect(account?.metadata).toEqual({
      name: "orders-keyturn",
      namespace: "shop",
      labels: { [labels.sidecar]: "orders" },
    });
  });

  it("changes nothing the second time", () => {
    for (const text of [
      deployment,
      deployment.replace("serviceAccountName: orders", ""),
      `${deployment}---\n${service}`,
    ]) {
      const once = inject(text, options).manifest;
      expect(inject(once, options).manifest).toBe(once);
    }
  });

  it("brings up to date what was injected before", () => {
    const before = inject(deployment, options).manifest;
    const now = { ...options, image: "keyturn:2", ports: { ...ports, "--port": 8089 }, isPublic: true };
    const { spec } = podIn(inject(before, now).manifest);
    expect(spec.initContainers).toEqual([gatewayContainer(now)]);
    expect(spec.volumes).toEqual(gatewayVolumes(now));
    const roles = parse(inject(before, now).manifest).filter(({ kind }) => kind === "Role");
    expect(roles).toHaveLength(1);
    expect(roles[0]).toMatchObject({ rules: [{ resources: ["configmaps"], resourceNames: ["orders-public"] }, {}] });
  });

  describe("with a token for the issuer that tells of revocations", () => {
    const flags = ["--revocations=https://issuer.example/v1/revocations"];
    const hearing: GatewaySidecar = { ...options, flags, issuerToken: { audience: "keyturn-issuer" } };
    const withCa: GatewaySidecar = { ...hearing, issuerToken: { audience: "aud", caConfigMap: "issuer-ca" } };

    it("lets the kubelet write one that the sidecar alone mounts, and names its file", () => {
      const { spec } = podIn(inject(deployment, hearing).manifest);
      expect(spec.volumes).toContainEqual({
        name: "keyturn-issuer",
        projected: {
          sources: [{ serviceAccountToken: { path: "token", audience: "keyturn-issuer", expirationSeconds: 3600 } }],
        },
      });
      const [sidecar] = spec.initContainers as { readonly args: string[]; readonly volumeMounts: object[] }[];
      expect(sidecar?.args.slice(-2)).toEqual([...flags, "--revocations-token-file=/run/keyturn/issuer/token"]);
      expect(sidecar?.volumeMounts).toContainEqual({
        ...{ name: "keyturn-issuer", mountPath: "/run/keyturn/issuer", readOnly: true },
      });
      expect(JSON.stringify(spec.containers)).not.toContain("keyturn-issuer");
    });

    it("puts who signed the issuer's certificate beside it", () => {
      const { spec } = podIn(inject(deployment, withCa).manifest);
      expect(spec.volumes).toContainEqual({
        name: "keyturn-issuer",
        projected: {
          sources: [
            { serviceAccountToken: { path: "token", audience: "aud", expirationSeconds: 3600 } },
            { configMap: { name: "issuer-ca", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          ],
        },
      });
      expect(spec.initContainers).toMatchObject([
        { args: expect.arrayContaining(["--revocations-ca-file=/run/keyturn/issuer/ca.crt"]) as unknown },
      ]);
    });

    it("changes nothing the second time, and takes it away again", () => {
      const own = deployment.replace("containers:", "volumes: [{name: data, emptyDir: {}}]\n      containers:");
      const once = inject(own, withCa).manifest;
      expect(inject(once, withCa).manifest).toBe(once);
      const { spec } = podIn(inject(once, options).manifest);
      expect(spec.volumes).toEqual([...gatewayVolumes(options), { name: "data", emptyDir: {} }]);
      expect(JSON.stringify(spec)).not.toContain("issuer");
    });
  });

  it("comes before other init containers, which may need it", () => {
    const text = deployment.replace("containers:", "initContainers: [{name: migrate, image: m:1}]\n      containers:");
    const names = podIn(inject(text, options).manifest).spec.initContainers;
    expect(names).toMatchObject([{ name: "keyturn" }, { name: "migrate" }]);
  });

  it("leaves an application its API token where it says that it wants it, and says what that means", () => {
    const text = deployment.replace("containers:", "automountServiceAccountToken: true\n      containers:");
    const { manifest, notes } = inject(text, options);
    expect(podIn(manifest).spec.automountServiceAccountToken).toBe(true);
    expect(notes).toEqual(["orders: the application gets an API token with which it can read the keys, too", readable]);
  });

  it.each([
    "apps/v1 StatefulSet",
    "apps/v1 DaemonSet",
    "apps/v1 ReplicaSet",
    "batch/v1 Job",
    "argoproj.io/v1alpha1 Rollout",
  ])("takes a %s", (what) => {
    const [apiVersion, kind] = what.split(" ");
    const text = deployment.replace("apps/v1", String(apiVersion)).replace("Deployment", String(kind));
    const { manifest } = inject(text, options);
    expect(podIn(manifest).spec.initContainers).toHaveLength(1);
  });

  it("takes a CronJob and a Pod, which have their pods elsewhere", () => {
    const pod = "spec: {containers: [{name: app}]}";
    const cron = `apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: {spec: {template: {${pod}}}}}\n`;
    const alone = `apiVersion: v1\nkind: Pod\nmetadata: {name: b}\n${pod}\n`;
    const [first, second] = parse(inject(`${cron}---\n${alone}`, options).manifest);
    expect(first).toMatchObject({
      spec: { jobTemplate: { spec: { template: { metadata: { labels: { [labels.rotation]: "orders" } } } } } },
    });
    expect(second).toMatchObject({ spec: { initContainers: [{ name: "keyturn" }] } });
  });

  it("binds in the namespace that is named, and says so where none is", () => {
    const text = deployment.replace(", namespace: shop", "");
    const named = inject(text, options, "here");
    expect(parse(named.manifest)[2]).toMatchObject({
      metadata: { namespace: "here" },
      subjects: [{ namespace: "here" }],
    });
    const { manifest, notes } = inject(text, options);
    expect(parse(manifest)[2]).toMatchObject({ subjects: [{ namespace: "default" }] });
    expect(notes).toContain(
      'orders: the manifest names no namespace: the rights are for "default"; --namespace names another',
    );
  });

  it("keeps numbers, modes and whatever else YAML 1.1 has as they are, in every document", () => {
    const modes =
      "volumes: [{name: a, secret: {secretName: s, defaultMode: 0400}}]\n      hostUsers: on\n      containers:";
    const other =
      "apiVersion: v1\nkind: ConfigMap\ndata: { a:   'x', n: 12345678901234567890, e: 1e3, o: 0644 } # odd\n";
    const { manifest } = inject(`${deployment.replace("containers:", modes)}---\n${other}`, options);
    expect(manifest).toContain(`---\n${other}`);
    const { spec } = podIn(manifest);
    expect(spec.volumes).toContainEqual({ name: "a", secret: { secretName: "s", defaultMode: 0o400 } });
    expect(spec).toMatchObject({ hostUsers: true });
  });

  it("quotes names that YAML 1.1 would take for something else", () => {
    const { manifest } = inject(deployment, { ...options, rotation: "on", secretName: "1e3" });
    expect(podIn(manifest).metadata.labels).toMatchObject({ [labels.rotation]: "on" });
    expect(podIn(manifest).spec.volumes).toContainEqual({ name: "keyturn-keys", secret: { secretName: "1e3" } });
  });

  it("adds to lists and labels that are aliases, at this place alone", () => {
    const text = `apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop, labels: &labels {app: orders}}
x-volumes: &volumes [{name: data, emptyDir: {}}]
x-init: &init [{name: migrate, image: m}]
spec:
  template:
    metadata: {labels: *labels}
    spec: {containers: [{name: app}], volumes: *volumes, initContainers: *init}
`;
    const { manifest } = inject(text, options);
    const { metadata, spec } = podIn(manifest);
    expect(metadata.labels).toEqual({ app: "orders", [labels.rotation]: "orders" });
    expect(spec.volumes).toContainEqual({ name: "data", emptyDir: {} });
    expect(spec.initContainers).toMatchObject([{ name: "keyturn" }, { name: "migrate" }]);
    const [workload] = parse(manifest);
    expect(workload?.metadata).toMatchObject({ labels: { app: "orders" } });
    expect(workload?.["x-volumes"]).toHaveLength(1);
  });

  it("takes the account of the legacy field for the pods' own", () => {
    const { manifest } = inject(deployment.replace("serviceAccountName", "serviceAccount"), options);
    expect(podIn(manifest).spec.serviceAccountName).toBeUndefined();
    expect(parse(manifest).find(({ kind }) => kind === "RoleBinding")).toMatchObject({
      subjects: [{ name: "orders" }],
    });
  });

  it("takes away what was made for another rotation before", () => {
    const { manifest } = inject(inject(deployment, options).manifest, { ...options, rotation: "billing" });
    const names = parse(manifest).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names).toEqual(["Deployment orders", "Role orders-keyturn-billing", "RoleBinding orders-keyturn-billing"]);
    expect(podIn(manifest).spec.initContainers).toHaveLength(1);
  });

  it("neither has a gateway waited for nor lets it acknowledge that does not", () => {
    const before = inject(deployment, options).manifest;
    const { manifest } = inject(before, { ...options, acks: "off", flags: ["--acks=off"] });
    expect(podIn(manifest).metadata.labels).toEqual({ app: "orders" });
    expect(manifest).not.toContain("keyringacks");
  });

  it("makes YAML of JSON, lines end as they should, and names come of generateName", () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { generateName: "job-" },
      spec: { containers: [{ name: "a" }] },
    };
    const { manifest } = inject(JSON.stringify(pod), options);
    expect(manifest.replace(/^ *keyturn\.dev\/injected: '.*'$/m, "")).not.toContain("{");
    expect(parse(manifest)[0]).toMatchObject({ spec: { serviceAccountName: "job-keyturn" } });
    expect(inject(deployment.replaceAll("\n", "\r\n"), options)).toEqual(inject(deployment, options));
  });

  it("says that others can look in", () => {
    const text = deployment.replace("containers:", "shareProcessNamespace: true\n      containers:");
    expect(inject(text, options).notes).toContain(
      "orders: the application can look into the sidecar's process (shareProcessNamespace: true)",
    );
  });

  const withSpec = (line: string): string => deployment.replace("containers:", `${line}\n      containers:`);
  const minting = { ...options, ports: { ...ports, "--mint-listen": 8081 } };
  it.each<[string, string, GatewaySidecar?]>([
    ["", "must have a workload"],
    [service, "must have a workload"],
    [deployment.replace("apps/v1", "batch.volcano.sh/v1alpha1"), "must have a workload"],
    ["kind: constructor\n", "must have a workload"],
    ["apiVersion: v1\nkind: List\nitems: []", "must have a workload"],
    ["apiVersion: v1\nkind: List\nitems: [1]", "item 0 of the list must be an object, is not"],
    ["- 1", "the document at line 1 must be an object, is not"],
    [deployment.replace("3000", "8080"), "port 8080 must be free, the application has it; --port takes another"],
    [deployment.replace("3000", "9090"), "port 9090 must be free, the application has it; --admin-port takes another"],
    [deployment.replace("3000", "8081"), "port 8081 must be free, the application has it; --mint-listen", minting],
    [withSpec("initContainers: [{name: p, ports: [{containerPort: 8080}]}]"), "port 8080 must be free"],
    [deployment.replace("name: app", "name: keyturn"), 'must not be named "keyturn" already'],
    ["apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}", "must have containers"],
    [withSpec("os: {name: windows}"), "must run on Linux"],
    [withSpec("hostNetwork: true"), "--mint-listen must be unix:/path", minting],
    [withSpec("<<: {volumes: []}"), "spec.template.spec must be written out, has a merge key (<<)"],
    [withSpec("volumes: 7"), "spec.template.spec.volumes must be a list, is not"],
  ])("refuses what it does not fit into, and says why: %#", (text, reason, given = options) => {
    expect(() => inject(text, given)).toThrow(reason);
  });

  it("says where the YAML is wrong, and quotes nothing of it", () => {
    const text = `${service}---\napiVersion: v1\nkind: Secret\nstringData: {pw: "hunter2`;
    expect(() => inject(text, options)).toThrow(/^Cannot read the manifest: line 8 must be YAML, is not \([A-Z_]+\)$/);
  });

  it("keeps what stands on the line of a separator", () => {
    const config = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}';
    const { manifest } = inject(`--- ${config}\n---  # The app\n${deployment}---\t${config}`, options);
    expect(manifest).toContain(`${config}\n---\n# The app\n# The shop's orders\n`);
    expect(parse(manifest).filter(({ kind }) => kind === "ConfigMap")).toHaveLength(2);
    expect(inject(manifest, options).manifest).toBe(manifest);
    const broken = `--- # Beside it\n${service}--- 7\n`;
    expect(() => inject(broken, options)).toThrow("the document at line 6 must be an object, is not");
  });

  it.each(["a: *gone", "a: *late\nb: &late 1", "a: &own [*own]", "<<: 7"])(
    "refuses an alias or a merge key that stands for nothing: %j",
    (text) => {
      const unreadable = expect.objectContaining({ code: "ManifestUnreadable" }) as Error;
      expect(() => inject(`${deployment}---\n${text}\n`, options)).toThrow(unreadable);
      expect(() => inject(`${deployment}---\n${text}\n`, options)).toThrow("of the document at line 16 must");
    },
  );
});
