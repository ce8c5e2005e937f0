import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { GatewaySidecar } from "../../src/inject/gateway-sidecar.ts";
import { inject } from "../../src/inject/inject.ts";
import { selectorIn, type WorkloadSelector } from "../../src/inject/selector.ts";

const gateway: GatewaySidecar = {
  ...{ rotation: "orders", image: "keyturn:1", flags: [] },
  ports: { "--port": 8080, "--admin-port": 9090 },
};
const only = (text: string): readonly WorkloadSelector[] => [selectorIn(text)].filter((one) => one !== undefined);

const deployment = (name: string, more = ""): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
${more}spec:
  template:
    spec:
      containers:
        - name: app # of ${name}
`;
const optedOut = (value: string): string => `  annotations:\n    keyturn.dev/inject: ${value}\n`;
const two = `${deployment("orders")}---\n${deployment("billing")}`;

const names = (text: string): readonly string[] =>
  parseAllDocuments(text).map((document) => {
    const { kind, metadata, ...rest } = document.toJS() as { kind: string; metadata: { name: string } };
    return `${kind} ${metadata.name}${JSON.stringify(rest).includes('"initContainers"') ? " +" : ""}`;
  });

describe("inject, into a choice of workloads", () => {
  it("leaves the others to the last byte, with what was made for them", () => {
    const both = inject(two, { gateway }).manifest;
    const { manifest } = inject(two, { gateway, choice: { only: only("billing") } });
    expect(manifest).toContain(deployment("orders"));
    expect(names(manifest)).toEqual([
      ...["Deployment orders", "Deployment billing +", "ServiceAccount billing-keyturn"],
      ...["Role billing-keyturn-orders", "RoleBinding billing-keyturn-orders"],
    ]);
    const away = inject(both, { choice: { skip: only("orders") } });
    expect(names(away.manifest)).toEqual([
      ...["Deployment orders +", "Deployment billing", "ServiceAccount orders-keyturn"],
      ...["Role orders-keyturn-orders", "RoleBinding orders-keyturn-orders"],
    ]);
  });

  it("says what fits none, and refuses when none is left of those that must be", () => {
    const choice = { skip: only("CronJob") };
    expect(inject(two, { gateway, choice }).notes).toContain("no workload is CronJob");
    expect(() => inject(two, { gateway, choice: { only: only("order") } })).toThrow(
      "--only and --skip must leave a workload of Deployment/orders, Deployment/billing",
    );
  });

  it("prints what has no workload as it is, where it may be none", () => {
    const text = "apiVersion: v1\nkind: Service # only\n";
    expect(inject(text, { gateway, mayBeNone: true })).toEqual({ manifest: text, notes: [] });
  });

  it("puts nothing where the workload, or its pods, say so", () => {
    const pods = deployment("orders").replace(
      "    spec:",
      "    metadata: {annotations: {keyturn.dev/inject: disabled}}\n    spec:",
    );
    for (const said of [deployment("orders", optedOut("disabled")), pods]) {
      const text = said.replace("spec:", "spec:   # to the last byte");
      expect(inject(text, { gateway })).toEqual({
        manifest: text,
        notes: ["orders: no sidecar is put, its annotation keyturn.dev/inject says so"],
      });
    }
    expect(names(inject(deployment("orders", optedOut("enabled")), { gateway }).manifest)[0]).toBe(
      "Deployment orders +",
    );
  });

  it.each(["helm.sh/hook: pre-install", "argocd.argoproj.io/hook: PreSync"])(
    "puts nothing into a hook, which runs before its account is there, unless it says that it wants it: %s",
    (annotation) => {
      const hook = deployment("orders", `  annotations:\n    ${annotation}\n`);
      const { manifest, notes } = inject(hook, { gateway });
      expect(manifest).toBe(hook);
      expect(notes).toEqual([expect.stringContaining("/hook says so")]);
      const wanted = hook.replace("annotations:", "annotations:\n    keyturn.dev/inject: enabled");
      expect(names(inject(wanted, { gateway }).manifest)[0]).toBe("Deployment orders +");
    },
  );

  it("takes away what was there before, where the workload says so now", () => {
    const before = inject(deployment("orders"), { gateway }).manifest;
    const said = before.replace("  annotations:\n", optedOut("disabled"));
    const { manifest } = inject(said, { gateway });
    expect(manifest).toBe(deployment("orders", optedOut("disabled")));
  });

  it("does not guess what else the annotation says", () => {
    expect(() => inject(deployment("orders", optedOut('"false"')), { gateway })).toThrow(
      'keyturn.dev/inject must be "disabled" or "enabled"',
    );
  });
});

describe("inject, into lists", () => {
  const items = (indent: string): string =>
    [deployment("orders"), deployment("billing")]
      .map((text) =>
        text
          .trimEnd()
          .replaceAll("\n", `\n${indent}`)
          .replace(/^/, `${indent.slice(2)}- `),
      )
      .join("\n");

  it("makes documents of a List, at any depth, comments and all", () => {
    const text = `apiVersion: v1\nkind: List\nitems:\n${items("  ")}\n`;
    expect(inject(text, { gateway }).manifest).toBe(inject(two, { gateway }).manifest);
    const inner = text.trimEnd().replaceAll("\n", "\n    ");
    expect(inject(`apiVersion: v1\nkind: List\nitems:\n  - ${inner}\n`, { gateway }).manifest).toBe(
      inject(two, { gateway }).manifest,
    );
  });

  it("writes out what an item has from another one", () => {
    const text = `apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: a, labels: &labels {app: orders}}
  - apiVersion: v1
    kind: Pod
    metadata: {name: orders, labels: *labels}
    spec: {containers: [{name: app}]}
`;
    const [map, pod] = parseAllDocuments(inject(text, { gateway }).manifest).map((one) => one.toJS() as object);
    expect(map).toMatchObject({ metadata: { labels: { app: "orders" } } });
    expect(pod).toMatchObject({ metadata: { labels: { app: "orders", "keyturn.dev/rotation": "orders" } } });
  });

  it("gives kustomize a ResourceList for a ResourceList", () => {
    const text = `apiVersion: config.kubernetes.io/v1
kind: ResourceList
functionConfig: {apiVersion: v1, kind: ConfigMap}
items:
  - apiVersion: v1
    kind: Secret
    metadata: {name: s}
    data: {number: 12345678901234567890, mode: "0400", said: "on"}
${items("    ")}
`;
    const { manifest } = inject(text, { gateway });
    const list = parse(manifest, { version: "1.1", intAsBigInt: true }) as { items: { kind: string }[]; kind: string };
    expect(list.kind).toBe("ResourceList");
    expect(list.items.map(({ kind }) => kind)).toEqual([
      ...["Secret", "Deployment", "Deployment"],
      ...["ServiceAccount", "Role", "RoleBinding", "ServiceAccount", "Role", "RoleBinding"],
    ]);
    expect(list.items[0]).toMatchObject({ data: { number: 12345678901234567890n, mode: "0400", said: "on" } });
    expect(inject(manifest, { gateway }).manifest).toBe(manifest);
  });

  it("takes a Rollout for a workload, but where a Deployment has its pods", () => {
    const rollout = deployment("orders").replace("apps/v1", "argoproj.io/v1alpha1").replace("Deployment", "Rollout");
    expect(names(inject(rollout, { gateway }).manifest)[0]).toBe("Rollout orders +");
    const other = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: orders}
spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: orders}}
`;
    const { manifest } = inject(`${other}---\n${deployment("orders")}`, { gateway });
    expect(names(manifest).slice(0, 2)).toEqual(["Rollout orders", "Deployment orders +"]);
    expect(manifest.startsWith(other)).toBe(true);
  });
});
