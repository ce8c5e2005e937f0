import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { inject, type InjectOptions } from "../../src/inject/inject.ts";
import { rotationLabel, sidecarContainer, sidecarVolumes } from "../../src/inject/sidecar.ts";

const options: InjectOptions = { rotation: "orders", image: "keyturn:1", port: 8080, adminPort: 9090, flags: [] };

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

const parse = (text: string): Manifest[] => parseAllDocuments(text).map((document) => document.toJS() as Manifest);

function podIn(text: string): Pod {
  const [workload] = parse(text);
  return (workload?.["spec"] as { readonly template: Pod }).template;
}

describe("inject", () => {
  it("adds container, label, volumes and rights, and leaves the rest", () => {
    const { manifest, notes } = inject(`${deployment}---\n${service}`, options);
    const { metadata, spec } = podIn(manifest);
    expect(metadata.labels).toEqual({ app: "orders", [rotationLabel]: "orders" });
    expect(spec.initContainers).toEqual([sidecarContainer(options)]);
    expect(spec.volumes).toEqual(sidecarVolumes(options));
    expect(spec.containers).toHaveLength(1);
    expect(spec.serviceAccountName).toBe("orders");
    expect(parse(manifest).map(({ kind }) => kind)).toEqual(["Deployment", "Service", "Role", "RoleBinding"]);
    for (const comment of ["# The shop's orders", "# one for each zone", "# Beside it"]) {
      expect(manifest).toContain(comment);
    }
    expect(notes).toEqual(["orders: the application gets no API token any more (automountServiceAccountToken: false)"]);
  });

  it("gives the account that the pods have the rights for one object, and no others", () => {
    const [, role, binding] = parse(inject(deployment, options).manifest);
    expect(role).toMatchObject({
      metadata: { name: "orders-keyturn-orders", namespace: "shop" },
      rules: [
        { apiGroups: [""], resources: ["secrets"], resourceNames: ["orders"], verbs: ["get", "list", "watch"] },
        { apiGroups: ["keyturn.dev"], resources: ["keyringacks"], verbs: ["get", "create", "update"] },
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
    expect(account?.metadata).toEqual({ name: "orders-keyturn", namespace: "shop" });
  });

  it("changes nothing the second time", () => {
    for (const text of [
      deployment,
      deployment.replace("serviceAccountName: orders", ""),
      `${deployment}---\n${service}`,
    ]) {
      const once = inject(text, options).manifest;
      expect(inject(once, options)).toEqual({ manifest: once, notes: [] });
    }
  });

  it("brings up to date what was injected before", () => {
    const before = inject(deployment, options).manifest;
    const now = { ...options, image: "keyturn:2", port: 8089, isPublic: true };
    const { spec } = podIn(inject(before, now).manifest);
    expect(spec.initContainers).toEqual([sidecarContainer(now)]);
    expect(spec.volumes).toEqual(sidecarVolumes(now));
    const roles = parse(inject(before, now).manifest).filter(({ kind }) => kind === "Role");
    expect(roles).toHaveLength(1);
    expect(roles[0]).toMatchObject({ rules: [{ resources: ["configmaps"], resourceNames: ["orders-public"] }, {}] });
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
    expect(notes).toEqual(["orders: the application gets an API token with which it can read the keys, too"]);
  });

  it.each(["StatefulSet", "DaemonSet", "ReplicaSet", "Job"])("takes a %s", (kind) => {
    const { manifest } = inject(deployment.replace("kind: Deployment", `kind: ${kind}`), options);
    expect(podIn(manifest).spec.initContainers).toHaveLength(1);
  });

  it("takes a CronJob and a Pod, which have their pods elsewhere", () => {
    const pod = "spec: {containers: [{name: app}]}";
    const cron = `kind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: {spec: {template: {${pod}}}}}\n`;
    const alone = `kind: Pod\nmetadata: {name: b}\n${pod}\n`;
    const [first, second] = parse(inject(`${cron}---\n${alone}`, options).manifest);
    expect(first).toMatchObject({
      spec: { jobTemplate: { spec: { template: { metadata: { labels: { [rotationLabel]: "orders" } } } } } },
    });
    expect(second).toMatchObject({ spec: { initContainers: [{ name: "keyturn" }] } });
  });

  it("binds in the namespace that is named, and says so where none is", () => {
    const text = deployment.replace(", namespace: shop", "");
    const named = inject(text, { ...options, namespace: "here" });
    expect(parse(named.manifest)[2]).toMatchObject({
      metadata: { namespace: "here" },
      subjects: [{ namespace: "here" }],
    });
    const { manifest, notes } = inject(text, options);
    expect(parse(manifest)[2]).toMatchObject({ subjects: [{ namespace: "default" }] });
    expect(notes).toContain('the manifest names no namespace: its rights are for "default"; --namespace names another');
  });

  it.each([
    ["", "must have a workload"],
    [service, "must have a workload"],
    ["kind: [", "Cannot read the manifest"],
    ["kind: List\nitems: []", "Cannot inject into a List"],
    [deployment.replace("3000", "8080"), "port 8080 must be free, the application has it; --port takes another"],
    [deployment.replace("3000", "9090"), "port 9090 must be free, the application has it; --admin-port takes another"],
    [deployment.replace("name: app", "name: keyturn"), 'must not be named "keyturn" already'],
    ["kind: Deployment\nmetadata: {name: a}", "must have containers"],
  ])("refuses what it does not fit into, and says why: %#", (text, reason) => {
    expect(() => inject(text, options)).toThrow(reason);
  });
});
