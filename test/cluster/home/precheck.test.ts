import { describe, expect, test } from "vitest";
import { ownersOf } from "../../../src/cluster/home/owners.ts";
import { precheckOf } from "../../../src/cluster/home/precheck.ts";
import type { KubeObject } from "../../../src/kube/object.ts";

interface Entry {
  readonly manager: string;
  readonly operation?: "Apply" | "Update";
  readonly subresource?: string;
  readonly fieldsV1?: object;
}

const pin = { "f:spec": { "f:activeKid": {} } };

const resource = (...entries: readonly Entry[]): KubeObject => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "JwtKeyRotation",
  metadata: {
    name: "gateway",
    namespace: "shop",
    managedFields: entries.map((entry) => ({ operation: "Update", fieldsV1: pin, ...entry })),
  },
});

const edit = { annotations: {}, spec: { activeKid: "k1" } };

describe("ownersOf", () => {
  const path = ["spec", "activeKid"];

  test("names those who set the field, once each, and not the tools themselves", () => {
    const owners = ownersOf(
      resource({ manager: "a" }, { manager: "b", operation: "Apply" }, { manager: "a" }, { manager: "keyturn-cli" }),
      path,
    );
    expect(owners.map(({ manager }) => manager)).toEqual(["a", "b"]);
  });

  test.each<[what: string, entry: Entry]>([
    ["another field", { manager: "a", fieldsV1: { "f:spec": { "f:suspend": {} } } }],
    ["a field of that name elsewhere", { manager: "a", fieldsV1: { "f:status": { "f:activeKid": {} } } }],
    ["the status", { manager: "a", subresource: "status" }],
    ["nothing that can be understood", { manager: "a", fieldsV1: [] }],
  ])("does not name who set %s", (_, entry) => {
    expect(ownersOf(resource(entry), path)).toEqual([]);
  });

  test("finds a list by its name, whatever entries somebody set, and an annotation by its whole name", () => {
    const list = { "f:spec": { "f:revokedKids": { 'k:{"kid":"x"}': {} } } };
    expect(ownersOf(resource({ manager: "a", fieldsV1: list }), ["spec", "revokedKids"])).toHaveLength(1);
    const note = { "f:metadata": { "f:annotations": { "f:keyturn.dev/rotate-requested-at": {} } } };
    const at = ["metadata", "annotations", "keyturn.dev/rotate-requested-at"];
    expect(ownersOf(resource({ manager: "a", fieldsV1: note }), at)).toHaveLength(1);
  });

  test("nobody owns a field of a resource without managed fields", () => {
    expect(ownersOf({ ...resource(), metadata: { name: "gateway" } }, path)).toEqual([]);
  });

  test.each<[manager: string, operation: "Apply" | "Update", isDeclarative: boolean]>([
    ["argocd-controller", "Update", true],
    ["argocd-application-controller", "Update", true],
    ["argocd-server", "Update", false],
    ["argocd-application-controller", "Apply", true],
    ["kustomize-controller", "Apply", true],
    ["helm-controller", "Update", true],
    ["helm", "Update", true],
    ["Helm", "Update", true],
    ["HashiCorp", "Update", true],
    ["my-pipeline", "Apply", true],
    ["my-pipeline", "Update", false],
    ["kubectl", "Apply", false],
    ["kubectl-edit", "Update", false],
    ["kubectl-client-side-apply", "Update", false],
    ["helmsman", "Update", false],
  ])("of %s by %s is declarative: %s", (manager, operation, isDeclarative) => {
    expect(ownersOf(resource({ manager, operation }), path)).toEqual([{ manager, isDeclarative }]);
  });
});

describe("precheckOf", () => {
  test("says nothing where nobody else sets the fields", () => {
    expect(precheckOf(edit, resource())).toEqual({ notes: [] });
    expect(precheckOf(edit, resource({ manager: "keyturn-cli" }))).toEqual({ notes: [] });
  });

  test("says who does", () => {
    expect(precheckOf(edit, resource({ manager: "kubectl-edit" }))).toEqual({
      notes: ['spec.activeKid of shop/gateway was set by "kubectl-edit"'],
    });
    expect(precheckOf(edit, resource({ manager: "kubectl-client-side-apply" })).notes).toEqual([
      'spec.activeKid of shop/gateway was set by "kubectl-client-side-apply": change the manifest, too, or the next kubectl apply does',
    ]);
  });

  test("has what to commit where a tool would put it back", () => {
    const { notes, elsewhere } = precheckOf(edit, resource({ manager: "argocd-controller" }));
    expect(notes).toEqual(['spec.activeKid of shop/gateway belongs to "argocd-controller", which may put it back']);
    expect(elsewhere?.why).toMatch(
      /^Cannot change spec\.activeKid of shop\/gateway: it belongs to "argocd-controller".* --force$/,
    );
    expect(elsewhere?.manifest).toMatchObject({ metadata: { name: "gateway" }, spec: { activeKid: "k1" } });
  });

  test("one such field of several is enough, and an annotation is named in brackets", () => {
    const note = "keyturn.dev/rotate-requested-at";
    const fieldsV1 = { "f:metadata": { "f:annotations": { [`f:${note}`]: {} } } };
    const both = { annotations: { [note]: "x" }, spec: { activeKid: "k1" } };
    const { notes, elsewhere } = precheckOf(both, resource({ manager: "a" }, { manager: "flux", fieldsV1 }));
    expect(elsewhere?.why).toContain(`metadata.annotations[${note}] of shop/gateway`);
    expect(notes).toHaveLength(2);
  });
});
