import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { inject } from "../../../src/inject/inject.ts";
import { parseAllDocuments } from "yaml";
import { root } from "../../../hack/run.ts";
import { apply, readManifests } from "../../../hack/testcluster/apply.ts";
import type { KubeClient, KubeObject } from "../../../hack/testcluster/client.ts";
import { render } from "../../chart/support/render.ts";
import { makeServiceAccount } from "../support/roles.ts";
import { admin, makeNamespace, tokenFor } from "../support/scene.ts";
import { removeDefinitions } from "./support/release.ts";

const rbac = "/apis/rbac.authorization.k8s.io/v1";
const kinds = ["view", "edit", "admin"] as const;
type Kind = (typeof kinds)[number];

/** Those of each, and of the ones below it: as the cluster's own roles are put together from their parts. */
const partsOf = (kind: Kind): readonly Kind[] => kinds.slice(0, kinds.indexOf(kind) + 1);

let namespace: string;
const people = {} as Record<Kind, KubeClient>;

beforeAll(async () => {
  namespace = await makeNamespace("aggregated");
  for (const object of await readManifests(join(root, "crds"))) await apply(admin, object);
  const roles = (await render()).filter(({ kind }) => kind === "ClusterRole");
  const ours = new Map<Kind, string>();
  for (const role of roles) {
    const kind = kinds.find(
      (one) => role.metadata.labels?.[`rbac.authorization.k8s.io/aggregate-to-${one}`] === "true",
    );
    if (kind === undefined) continue;
    const name = `${namespace}-${kind}`;
    // Without the label: it would be a part of every user's role in the cluster of the tests
    await admin.create(`${rbac}/clusterroles`, { metadata: { name }, rules: role.rules });
    ours.set(kind, name);
  }
  expect([...ours.keys()].toSorted()).toEqual(["admin", "edit", "view"]);
  for (const kind of kinds) {
    await makeServiceAccount(namespace, kind);
    for (const part of partsOf(kind)) {
      for (const role of [`system:aggregate-to-${part}`, ours.get(part) ?? ""]) {
        await admin.create(`${rbac}/namespaces/${namespace}/rolebindings`, {
          metadata: { name: `${kind}-${role.replaceAll(":", ".")}` },
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
          subjects: [{ kind: "ServiceAccount", name: kind, namespace }],
        });
      }
    }
    people[kind] = admin.withToken(await tokenFor(namespace, kind));
  }
  // The server learns of a role a moment after it is stored
  await vi.waitFor(() => people.admin.get(acks()), { timeout: 120_000, interval: 50 });
  await vi.waitFor(() => people.edit.get(rotations()), { timeout: 120_000, interval: 50 });
  await vi.waitFor(() => people.view.get(rotations()), { timeout: 120_000, interval: 50 });
});

afterAll(async () => {
  for (const kind of kinds) await admin.remove(`${rbac}/clusterroles/${namespace}-${kind}`);
  await removeDefinitions();
});

const rotations = (): string => `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/jwtkeyrotations`;
const acks = (): string => `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/keyringacks`;
const rotation = (name: string) => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "JwtKeyRotation",
  metadata: { name },
  spec: { tokens: { issuer: "https://issuer.example", audiences: ["api"] } },
});
const forbidden = { status: 403 };

describe("who has one of the cluster's own roles in a namespace", () => {
  it("view reads both kinds, and changes nothing", async () => {
    await people.view.get(acks());
    await expect(people.view.create(rotations(), rotation("by-view"))).rejects.toMatchObject(forbidden);
  });

  it("edit makes and removes rotations, and acknowledges nothing", async () => {
    await people.edit.create(rotations(), rotation("by-edit"));
    await people.edit.remove(`${rotations()}/by-edit`);
    await people.edit.get(acks());
    await expect(people.edit.create(acks(), {})).rejects.toMatchObject(forbidden);
  });

  it("admin applies all that keyturn inject prints, in its order, and again what a later run prints; edit may not", async () => {
    const pod = { metadata: { labels: { app: "orders" } }, spec: { containers: [{ name: "app", image: "app:1" }] } };
    const plain = JSON.stringify({
      ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "orders", namespace } },
      spec: { replicas: 0, selector: { matchLabels: { app: "orders" } }, template: pod },
    });
    const injected = (text: string, image: string): string =>
      inject(text, {
        imagePullSecrets: ["registry"],
        gateway: {
          ...{ rotation: "on", secretName: "on-jwt-keys", image, flags: [], runAsUser: "any" },
          ports: { "--port": 8080, "--admin-port": 9090 },
        },
        agent: {
          ...{ image, keeps: { identity: "default" }, flags: ["--issuer=https://issuer.example"] },
          ...{ issuerToken: { audience: "a" }, ports: { "--agent-admin-port": 9091 } },
        },
      }).manifest;
    const first = injected(plain, "keyturn:1");
    const objectsIn = (text: string): readonly KubeObject[] =>
      parseAllDocuments(text, { version: "1.1" }).map((document) => document.toJS() as KubeObject);
    for (const object of objectsIn(first)) await apply(people.admin, object);
    const answers: KubeObject[] = [];
    for (const object of objectsIn(injected(first, "keyturn:2"))) answers.push(await apply(people.admin, object));
    expect(answers.map(({ kind }) => kind)).toEqual(["Deployment", "ServiceAccount", "Role", "RoleBinding"]);
    expect(JSON.stringify(answers[0]?.["spec"])).toContain("keyturn:2");
    for (const object of objectsIn(first).filter(({ kind }) => kind.startsWith("Role"))) {
      await expect(apply(people.edit, object)).rejects.toMatchObject(forbidden);
    }
  });
});
