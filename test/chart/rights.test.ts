import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../hack/run.ts";
import { readManifests } from "../../hack/testcluster/apply.ts";
import { everything, render, type Rendered, rotations, the } from "./support/render.ts";

const inPolicies = async (file: string): Promise<readonly Rendered[]> =>
  (await readManifests(join(root, file))) as readonly unknown[] as readonly Rendered[];

const name = "keyturn-controller";
const account = { kind: "ServiceAccount", name, namespace: "keyturn-system" };

describe("the controller's rights", () => {
  it("are those of policies/rbac.yaml, for all namespaces", async () => {
    const objects = await render();
    const policy = await inPolicies("policies/rbac.yaml");
    expect(the(objects, "ClusterRole", name).rules).toEqual(the(policy, "ClusterRole").rules);
    expect(the(objects, "ClusterRoleBinding")).toMatchObject({ subjects: [account], roleRef: { name } });
    const leader = the(objects, "Role");
    expect(leader.rules).toEqual(the(policy, "Role").rules);
    expect(leader.metadata.namespace).toBe("keyturn-system");
    expect(the(objects, "RoleBinding")).toMatchObject({
      metadata: { namespace: "keyturn-system" },
      subjects: [account],
      roleRef: { kind: "Role", name: leader.metadata.name },
    });
    // Its own two, and those for people
    expect(objects.filter(({ kind }) => kind.endsWith("Role"))).toHaveLength(2 + 3);
  });

  it("are the same in each of watchNamespaces, and none for the cluster", async () => {
    const objects = await render({ watchNamespaces: ["shop", "pay"] });
    const rules = the(await inPolicies("policies/rbac.yaml"), "ClusterRole").rules;
    expect(objects.filter(({ kind }) => kind.startsWith("ClusterRole"))).toEqual([]);
    const roles = objects.filter((one) => one.kind === "Role" && one.metadata.name === name);
    expect(roles.map((one) => [one.metadata.namespace, one.rules])).toEqual([
      ["shop", rules],
      ["pay", rules],
    ]);
    const bindings = objects.filter((one) => one.kind === "RoleBinding" && one.metadata.name === name);
    expect(bindings.map((one) => [one.metadata.namespace, one.subjects])).toEqual([
      ["shop", [account]],
      ["pay", [account]],
    ]);
  });

  it("grow by extraRules alone", async () => {
    const extra = { apiGroups: [""], resources: ["secrets", "configmaps"], verbs: ["delete"] };
    const [plain, more] = [await render(), await render({ rbac: { extraRules: [extra] } })];
    const rules = the(plain, "ClusterRole", name).rules ?? [];
    expect(the(more, "ClusterRole", name).rules).toEqual([...rules, extra]);
  });

  it("are beside those that the cluster's own roles get: not with watchNamespaces, nor where nobody wants them", async () => {
    const aggregated = async (values: object) =>
      (await render(values))
        .filter(({ kind, metadata }) => kind === "ClusterRole" && metadata.name !== name)
        .map(({ metadata }) => metadata.name);
    expect(await aggregated({})).toEqual(["keyturn-admin", "keyturn-edit", "keyturn-view"]);
    expect(await aggregated({ rbac: { aggregateClusterRoles: false } })).toEqual([]);
    expect(await aggregated({ watchNamespaces: ["shop"] })).toEqual([]);
  });

  it("are bound to the account that is named", async () => {
    const objects = await render({ serviceAccount: { create: false, name: "mine" } });
    expect(objects.filter(({ kind }) => kind === "ServiceAccount")).toEqual([]);
    expect(the(objects, "ClusterRoleBinding").subjects).toEqual([{ ...account, name: "mine" }]);
    expect(the(objects, "Deployment").spec).toMatchObject({ template: { spec: { serviceAccountName: "mine" } } });
  });

  it("are nobody's where none are to be made", async () => {
    const objects = await render({ ...everything, rbac: { create: false }, rotations: [] });
    expect(objects.filter(({ kind }) => /Role(Binding)?$/.test(kind))).toEqual([]);
  });
});

interface PolicySpec {
  readonly variables: readonly { readonly name: string; readonly expression: string }[];
}

const controllersOf = ({ spec }: Rendered): unknown =>
  JSON.parse((spec as PolicySpec).variables.find((one) => one.name === "controllers")?.expression ?? "");

describe("the admission policies", () => {
  it.each([
    ["ring-objects", "policies/ring-objects.yaml"],
    ["keyringacks", "policies/keyringacks.yaml"],
  ])("%s is that of %s", async (short, file) => {
    const [objects, policy] = [await render(), await inPolicies(file)];
    const of = (kind: string): readonly [Rendered, Rendered] => [
      the(objects, kind, `keyturn-${short}`),
      the(policy, kind),
    ];
    const [made, wanted] = of("ValidatingAdmissionPolicy");
    // Where the chart is installed as operator.md says, down to the list of controllers
    expect(made.spec).toEqual(wanted.spec);
    const [binding, wantedBinding] = of("ValidatingAdmissionPolicyBinding");
    expect(binding.spec).toEqual({ ...(wantedBinding.spec as object), policyName: made.metadata.name });
  });

  it("let the release's own account change rings, and who is named", async () => {
    const objects = await render(
      { admissionPolicies: { allowedUsers: ["system:serviceaccount:velero:velero"] }, serviceAccount: { name: "own" } },
      { namespace: "elsewhere" },
    );
    const policy = the(objects, "ValidatingAdmissionPolicy", "keyturn-ring-objects");
    expect(controllersOf(policy)).toEqual([
      "system:serviceaccount:elsewhere:own",
      "system:serviceaccount:velero:velero",
    ]);
  });

  it.each(["o'brien", 'the "one"', "CN=a\\b", "a & b", "zoë: #1"])("name %s as the API server does", async (user) => {
    const policy = the(
      await render({ admissionPolicies: { allowedUsers: [user] } }),
      "ValidatingAdmissionPolicy",
      "keyturn-ring-objects",
    );
    expect(controllersOf(policy)).toEqual(["system:serviceaccount:keyturn-system:keyturn-controller", user]);
  });

  it("hold where the controller looks, and nowhere else", async () => {
    const objects = await render({ watchNamespaces: ["shop"] });
    const bindings = objects.filter(({ kind }) => kind === "ValidatingAdmissionPolicyBinding");
    expect(bindings.map(({ metadata }) => metadata.name).sort()).toEqual([
      "keyturn-keyringacks.keyturn-system",
      "keyturn-ring-objects.keyturn-system",
    ]);
    const expression = { key: "kubernetes.io/metadata.name", operator: "In", values: ["shop"] };
    for (const { spec } of bindings)
      expect(spec).toMatchObject({ matchResources: { namespaceSelector: { matchExpressions: [expression] } } });
  });

  it("are left out when they are not wanted", async () => {
    const objects = await render({ admissionPolicies: { enabled: false } });
    expect(objects.filter(({ kind }) => kind.startsWith("ValidatingAdmission"))).toEqual([]);
  });
});

describe("the resource definitions", () => {
  it("are those of crds/, and outlive the release", async () => {
    const objects = await render();
    for (const file of ["crds/jwtkeyrotations.yaml", "crds/keyringacks.yaml"]) {
      const [wanted] = await inPolicies(file);
      const made = the(objects, "CustomResourceDefinition", wanted?.metadata.name);
      expect(made.spec).toEqual(wanted?.spec);
      expect(made.metadata.annotations).toEqual({ "helm.sh/resource-policy": "keep" });
    }
  });

  it("go with the release, or do not come with it, when that is wanted", async () => {
    const without = await render({ crds: { keep: false } });
    const made = without.filter(({ kind }) => kind === "CustomResourceDefinition");
    expect(made.map(({ metadata }) => metadata.annotations)).toEqual([undefined, undefined]);
    const none = await render({ crds: { enabled: false } });
    expect(none.filter(({ kind }) => kind === "CustomResourceDefinition")).toEqual([]);
  });

  it("are in deploy/crds.yaml as they are in crds/", async () => {
    const both = [...(await inPolicies("crds/jwtkeyrotations.yaml")), ...(await inPolicies("crds/keyringacks.yaml"))];
    expect(await inPolicies("deploy/crds.yaml")).toEqual(both);
  });
});

describe("what others of the chart may do", () => {
  it("the gateways of jwks: read the one ConfigMap, and acknowledge", async () => {
    const objects = await render({ ...everything, waitForReady: { enabled: false } });
    const role = the(objects, "Role", "keyturn-jwks");
    expect(role.metadata.namespace).toBe("shop");
    expect(role.rules).toEqual([
      {
        apiGroups: [""],
        resources: ["configmaps"],
        resourceNames: ["gateway-keys-public"],
        verbs: ["get", "list", "watch"],
      },
      { apiGroups: ["keyturn.dev"], resources: ["keyringacks"], verbs: ["get", "list", "watch", "create", "update"] },
    ]);
    const silent = await render({ jwks: { ...everything.jwks, acknowledgements: "off" } });
    expect(the(silent, "Role", "keyturn-jwks").rules).toHaveLength(1);
  });

  it("the Job that waits: look at the rotations of the release, and at no Secret", async () => {
    const objects = await render({ rotations });
    const roles = objects.filter(({ kind, metadata }) => kind === "Role" && metadata.name === "keyturn-wait");
    expect(roles.map(({ metadata }) => metadata.namespace).sort()).toEqual(["keyturn-system", "shop"]);
    expect(JSON.stringify(roles.map(({ rules }) => rules))).not.toMatch(/secrets|create|update|patch|delete|"\*"/);
    expect(roles.find(({ metadata }) => metadata.namespace === "shop")?.rules?.[0]).toEqual({
      apiGroups: ["keyturn.dev"],
      resources: ["jwtkeyrotations"],
      resourceNames: ["gateway"],
      verbs: ["get", "list", "watch"],
    });
  });
});
