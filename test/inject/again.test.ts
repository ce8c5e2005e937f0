import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { GatewaySidecar } from "../../src/inject/gateway-sidecar.ts";
import { inject } from "../../src/inject/inject.ts";
import { annotations } from "../../src/parse/api-names.ts";

const gateway: GatewaySidecar = {
  ...{ rotation: "orders", image: "keyturn:1", flags: ["--mint-listen=127.0.0.1:8081"] },
  ports: { "--port": 8080, "--admin-port": 9090 },
};
const newer: GatewaySidecar = { ...gateway, image: "keyturn:2", runAsUser: "any" };

const plain = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
spec:
  template:
    metadata:
      labels:
        app: orders
    spec:
      containers:
        - name: app
          image: orders:1
`;
const once = inject(plain, { gateway }).manifest;

/** What somebody makes of the manifest; fails where there is nothing to edit. */
function edited(...edits: readonly (readonly [from: string, to: string])[]): string {
  return edits.reduce((text, [from, to]) => {
    // What is remembered stands in the annotation, too
    const at = text.indexOf(from, text.indexOf("\nspec:"));
    expect(at).toBeGreaterThan(0);
    return text.slice(0, at) + to + text.slice(at + from.length);
  }, once);
}

const again = (text: string, now: GatewaySidecar = newer) => inject(text, { gateway: now });

describe("inject, into what somebody has edited since", () => {
  const resources = ["memory: 192Mi", "memory: 1Gi # measured"] as const;

  it("keeps the edits, and brings the rest up to date", () => {
    const text = edited(resources, [
      "            - --floor-dir=/run/keyturn/floor\n",
      "            - --floor-dir=/run/keyturn/floor\n            - --log-level=debug\n",
    ]);
    const { manifest, notes } = again(text);
    expect(manifest).toContain("memory: 1Gi # measured");
    expect(manifest).toContain("- --log-level=debug");
    expect(manifest).toContain("image: keyturn:2");
    expect(manifest).not.toContain("runAsUser");
    expect(notes.join()).not.toContain("edited");
    expect(again(manifest).manifest).toBe(manifest);
  });

  it("keeps comments in lists that change, of items that stay, and of those that are told apart by the same key", () => {
    const text = edited(
      ["--floor-dir=/run/keyturn/floor", "--floor-dir=/run/keyturn/floor # where it was"],
      ["- --mint-listen=127.0.0.1:8081", "# for the job\n            - --mint-listen=127.0.0.1:8081 # of old"],
      ["containerPort: 8080", "containerPort: 8080 # open"],
    );
    const now = {
      ...newer,
      flags: ["--mint-listen=127.0.0.1:8083", "--cache-entries=5"],
      ports: { "--port": 8080, "--admin-port": 9091 },
    };
    const { manifest } = again(text, now);
    expect(manifest).toContain("--floor-dir=/run/keyturn/floor # where it was");
    expect(manifest).toContain("# for the job\n            - --mint-listen=127.0.0.1:8083\n");
    expect(manifest).toContain("- --cache-entries=5\n");
    expect(manifest).toContain("containerPort: 8080 # open");
    expect(again(manifest, now).manifest).toBe(manifest);
  });

  it("leaves elsewhere what was an alias of something that changes or goes", () => {
    const text = edited(
      ["image: keyturn:1", "image: &image keyturn:1"],
      ["--mint-listen=127.0.0.1:8081", "&mint --mint-listen=127.0.0.1:8081"],
      [
        "      volumes:\n",
        "      volumes:\n        - {name: app, csi: {driver: *image, readOnly: true, fsType: *mint}}\n",
      ],
    );
    const app = { name: "app", csi: { driver: "keyturn:1", readOnly: true, fsType: "--mint-listen=127.0.0.1:8081" } };
    for (const manifest of [again(text, { ...newer, flags: [] }).manifest, inject(text, {}).manifest]) {
      const found = parseAllDocuments(manifest)[0]?.toJS() as unknown;
      expect(found).toMatchObject({
        spec: { template: { spec: { volumes: expect.arrayContaining([app]) as unknown } } },
      });
    }
    expect(again(text, { ...newer, flags: [] }).manifest).toContain("image: keyturn:2");
  });

  it("adds to what has an anchor without adding to its aliases", () => {
    const text = plain
      .replace("labels:\n        app", "labels: &labels\n        app")
      .replace(
        "      containers:",
        "      topologySpreadConstraints: [{labelSelector: {matchLabels: *labels}}]\n      containers:",
      );
    const { manifest } = again(text);
    expect(manifest).toContain("labels: &labels\n        app: orders\n        keyturn.dev/rotation: orders\n");
    const found = parseAllDocuments(manifest)[0]?.toJS() as unknown;
    const spread = [{ labelSelector: { matchLabels: { app: "orders" } } }];
    expect(found).toHaveProperty("spec.template.spec.topologySpreadConstraints", spread);
  });

  it("changes not a byte where there is nothing new", () => {
    const text = edited(resources, ["sizeLimit: 4Mi", "sizeLimit: 8Mi"], ["periodSeconds: 2", "periodSeconds: 9"]);
    expect(again(text, gateway).manifest).toBe(text);
  });

  it("says once what an edit hides", () => {
    const text = edited(["image: keyturn:1", "image: mirror.example/keyturn:1"]);
    const { manifest, notes } = again(text);
    const hidden = "orders: image of keyturn stays as somebody has edited it, this run has something else";
    expect(notes).toContain(hidden);
    expect(manifest).toContain("image: mirror.example/keyturn:1");
    expect(again(manifest).notes).not.toContain(hidden);
  });

  it("takes away flags of an earlier run, edited or not", () => {
    const text = edited(["--mint-listen=127.0.0.1:8081", "--mint-listen=127.0.0.1:8082"]);
    expect(again(text, { ...gateway, flags: [] }).manifest).not.toContain("            - --mint-listen");
  });

  it("puts a container back that was taken out", () => {
    const text = once.replace(/ {6}initContainers:\n(?: {8}.*\n)+/, "");
    expect(text).not.toContain("initContainers:\n");
    expect(again(text, gateway).manifest).toContain("        - name: keyturn\n");
  });

  it("brings what an older version put up to date, of which nothing is known", () => {
    const text = edited(resources).replace(/^ {2}annotations:\n.*\n/m, "");
    expect(text).not.toContain(annotations.injected);
    const rest = (manifest: string): string => manifest.slice(manifest.indexOf("\nspec:"));
    expect(rest(again(text).manifest)).toBe(rest(inject(plain, { gateway: newer }).manifest));
  });

  it("refuses what is no memory of an earlier run", () => {
    const text = once.replace(/keyturn\.dev\/injected: .*/, "keyturn.dev/injected: '7'");
    expect(() => again(text)).toThrow("keyturn.dev/injected must be as keyturn inject wrote it");
  });

  it("keeps what is added to what was made, and puts the rights right", () => {
    const text = once
      .replace(
        "name: orders-keyturn\n",
        "name: orders-keyturn # whose\n  annotations:\n    eks.amazonaws.com/role-arn: a\n",
      )
      .replace("verbs:\n      - get\n", "verbs:\n      - delete\n      - get\n");
    const { manifest } = again(text, gateway);
    expect(manifest).toContain("name: orders-keyturn # whose\n  annotations:\n    eks.amazonaws.com/role-arn: a\n");
    expect(manifest).not.toContain("delete");
    expect(manifest.replace(/ # whose\n.*\n.*\n/, "\n")).toBe(once);
  });

  it("leaves nothing of it when it is taken away", () => {
    expect(inject(edited(resources), {}).manifest).toBe(plain);
  });

  it("leaves the application without its token where somebody else has said so, and says it", () => {
    const text = plain.replace("      containers:", "      automountServiceAccountToken: false\n      containers:");
    const { manifest, notes } = inject(again(text, gateway).manifest, {});
    expect(manifest).toBe(text);
    expect(notes).toContainEqual(expect.stringContaining("automountServiceAccountToken stays as it is"));
    const wanted = edited(["automountServiceAccountToken: false", "automountServiceAccountToken: true"]);
    expect(inject(wanted, {}).manifest).toContain("automountServiceAccountToken: true");
  });
});

describe("inject, with the service account that it makes", () => {
  const account = (text: string): unknown =>
    parseAllDocuments(text)
      .map((document) => document.toJS() as { readonly kind: string; readonly metadata: { readonly name: string } })
      .find(({ kind, metadata }) => kind === "ServiceAccount" && metadata.name === "orders-keyturn");
  const withDefault = `${plain}---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: default
imagePullSecrets:
  - name: registry
`;

  it("keeps the image pull secrets of the one that the pods had, where the manifest has it", () => {
    const { manifest, notes } = inject(withDefault, { gateway, imagePullSecrets: ["mirror"] });
    expect(account(manifest)).toMatchObject({ imagePullSecrets: [{ name: "registry" }, { name: "mirror" }] });
    expect(notes.join()).not.toContain("pull secrets");
    expect(inject(manifest, { gateway }).manifest).toBe(manifest);
  });

  it("keeps those that somebody has given it", () => {
    const own = parse(
      `{apiVersion: v1, kind: ServiceAccount, metadata: {name: orders-keyturn}, imagePullSecrets: [{name: a}]}`,
    ) as object;
    const { manifest } = inject(`${plain}---\n${JSON.stringify(own)}`, { gateway });
    expect(account(manifest)).toMatchObject({ ...own, metadata: { labels: { "keyturn.dev/sidecar": "orders" } } });
    expect(inject(manifest, { gateway }).manifest).toBe(manifest);
    expect(parseAllDocuments(manifest)).toHaveLength(4);
  });

  it("says that those of the cluster's default account come no more, but where pods name their own", () => {
    const said = expect.stringContaining('image pull secrets "default" has') as unknown;
    expect(inject(plain, { gateway }).notes).toContainEqual(said);
    expect(inject(once, { gateway }).notes).not.toContainEqual(said);
    const named = plain.replace("      containers:", "      imagePullSecrets: [{name: registry}]\n      containers:");
    expect(inject(named, { gateway }).notes).not.toContainEqual(said);
    expect(inject(plain, { gateway, imagePullSecrets: ["mirror"] }).notes).not.toContainEqual(said);
  });
});
