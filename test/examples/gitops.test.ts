import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test, type TestContext } from "vitest";
import { parse } from "yaml";
import {
  askGitOps,
  buildGitOps,
  gitOpsBuildMs,
  gitOpsNeeds,
  type GitOpsQuestion,
  type HealthChecks,
} from "../../hack/gitops.ts";
import type { KubeObject } from "../../src/kube/object.ts";
import { resource } from "../cluster/support/resources.ts";
import { goldenRotations } from "./support/golden-rotations.ts";

const root = join(import.meta.dirname, "../..");
const textOf = (path: string): string => readFileSync(join(root, path), "utf8");
const parsed = (path: string): unknown => parse(textOf(path));

interface Actions {
  readonly "discovery.lua": string;
  readonly definitions: readonly { readonly name: string; readonly "action.lua": string }[];
}

const { data } = parsed("examples/gitops/argocd-cm.yaml") as { readonly data: Readonly<Record<string, string>> };
const customization = (what: string, kind: string): string =>
  data[`resource.customizations.${what}.keyturn.dev_${kind}`] ?? "";
const actions = parse(customization("actions", "JwtKeyRotation")) as Actions;
const { spec: flux } = parsed("examples/gitops/flux.yaml") as {
  readonly spec: { readonly healthCheckExprs: readonly (HealthChecks & { readonly kind: string })[] };
};
const [checks] = flux.healthCheckExprs;

const page = textOf("docs/gitops.md");

/** The table of the page: a state, and what each tool says of it. */
const rows = [...page.matchAll(/^\| (.+?) +\| `(\w+)` +\| `(\w+)` +\| `(\w+)` +\|$/gm)].map(
  ([, state = "", argo = "", cel = "", kstatus = ""]) => ({ state, argo, cel, kstatus }),
);

const states = Object.entries(goldenRotations).flatMap(([state, all]) => all.map((one) => ({ state, ...one })));

interface Health {
  readonly status: string;
  readonly message?: string;
}

beforeAll(() => buildGitOps(() => undefined), gitOpsBuildMs);

const missing = gitOpsNeeds();
function needsTools(context: TestContext): void {
  if (missing !== undefined) context.skip(missing);
}

const lua = (script: string, object: object): GitOpsQuestion => ({ tool: "lua", script, object });
const ask = async (question: GitOpsQuestion): Promise<unknown> => (await askGitOps([question]))[0];

describe("what the tools of GitOps say of a rotation", () => {
  beforeEach(needsTools);
  let said: readonly { state: string; reason: string; argo: Health; cel: unknown; kstatus: unknown }[] = [];

  beforeAll(async () => {
    if (missing !== undefined) return;
    const script = customization("health", "JwtKeyRotation");
    const questions = states.flatMap(({ object }): readonly GitOpsQuestion[] => [
      lua(script, object),
      { tool: "cel", checks: checks ?? { current: "" }, object },
      { tool: "kstatus", object },
    ]);
    const answers = await askGitOps(questions);
    said = states.map(({ state, reason }, index) => {
      const [argo, cel, kstatus] = answers.slice(index * 3, index * 3 + 3);
      return { state, reason, argo: argo as Health, cel, kstatus };
    });
  });

  test("is what the page says, state by state", () => {
    expect(rows.map(({ state }) => state)).toEqual(Object.keys(goldenRotations));
    const words = said.map(({ state, reason, argo, cel, kstatus }) => ({
      state,
      reason,
      argo: argo.status,
      cel,
      kstatus,
    }));
    const told = states.map(({ state, reason }) => ({ state, reason, ...rows.find((row) => row.state === state) }));
    expect(words).toEqual(told);
  });

  test("names the reason and its message in Argo CD", () => {
    for (const { reason, argo } of said.filter((one) => one.reason !== "" && one.reason !== "Idle"))
      if (reason !== "AdoptionPending") expect(argo.message).toMatch(new RegExp(`^${reason}: .`));
  });
});

describe("an acknowledgement in Argo CD", () => {
  beforeEach(needsTools);
  const ack = (change: object): object => ({
    ...{ apiVersion: "keyturn.dev/v1alpha1", kind: "KeyRingAck", metadata: { name: "uid.gateway", generation: 1 } },
    ...{ rotation: "gateway", podName: "gateway-1", generation: 7, verifies: ["k1"], signs: "k1", ...change },
  });

  test.each([
    ["Healthy", {}],
    ["Healthy", { sourceUnfit: false }],
    ["Progressing", { generation: 0, verifies: [] }],
    ["Degraded", { sourceUnfit: true }],
  ])("is %s with %j", async (status, change) => {
    expect(await ask(lua(customization("health", "KeyRingAck"), ack(change)))).toMatchObject({ status });
    expect(await ask({ tool: "kstatus", object: ack(change) })).toBe("Current");
  });
});

describe("the actions in Argo CD", () => {
  beforeEach(needsTools);
  const withSpec = (spec: object): KubeObject => resource({ spec: { ...(resource()["spec"] as object), ...spec } });
  const run = (name: string, object: KubeObject): Promise<unknown> =>
    ask(lua(actions.definitions.find((one) => one.name === name)?.["action.lua"] ?? "", object));

  test.each([
    ["rotate, suspend", {}],
    ["rotate, suspend", { suspend: false, activeKid: "" }],
    ["resume", { suspend: true }],
    ["suspend", { activeKid: "k1" }],
  ])("are %s of a spec with %j", async (enabled, spec) => {
    const found = (await ask(lua(actions["discovery.lua"], withSpec(spec)))) as Record<string, { disabled: boolean }>;
    expect(Object.keys(found).sort()).toEqual(actions.definitions.map(({ name }) => name).sort());
    const open = Object.entries(found).flatMap(([name, { disabled }]) => (disabled ? [] : [name]));
    expect(open.sort().join(", ")).toBe(enabled);
  });

  test("rotate asks by the annotation, and keeps the others", async () => {
    for (const annotations of [undefined, { "example.com/team": "shop" }]) {
      const object = { ...resource(), metadata: { ...resource().metadata, ...(annotations && { annotations }) } };
      const before = Date.now();
      const rotated = (await run("rotate", object)) as KubeObject;
      const requestedAt = rotated.metadata.annotations?.["keyturn.dev/rotate-requested-at"] ?? "";
      expect(requestedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(Date.parse(requestedAt)).toBeGreaterThanOrEqual(before - 1000);
      const { annotations: kept, ...metadata } = rotated.metadata;
      expect(kept).toEqual({ ...annotations, "keyturn.dev/rotate-requested-at": requestedAt });
      expect({ ...rotated, metadata }).toEqual({ ...object, metadata: resource().metadata });
    }
  });

  test.each([
    ["suspend", true],
    ["resume", false],
  ])("%s sets spec.suspend to %s, and nothing else", async (name, suspend) => {
    expect(await run(name, withSpec({ suspend: !suspend }))).toEqual(withSpec({ suspend }));
  });
});

describe("examples/gitops", () => {
  test("covers every reason that a controller can report", () => {
    const produced = states.flatMap(({ object }) =>
      ((object["status"] as { conditions?: readonly { reason: string }[] } | undefined)?.conditions ?? []).map(
        ({ reason }) => reason,
      ),
    );
    const [conditions = ""] = textOf("docs/conditions.md").split("\n## status.objects\n");
    const documented = [...conditions.matchAll(/^\| `(\w+)`/gm)].map(([, reason = ""]) => reason);
    const ofStandalone = ["ConfigUnreadable", "OverridesUnreadable"];
    expect(documented.length).toBeGreaterThan(25);
    expect(documented.filter((reason) => !produced.includes(reason) && !ofStandalone.includes(reason))).toEqual([]);
    for (const { reason, object } of states)
      if (reason !== "") expect(JSON.stringify(object["status"])).toContain(`"reason":"${reason}"`);
  });

  test("has an expression for the one kind of ours that a repository holds", () => {
    expect(flux.healthCheckExprs).toMatchObject([{ apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation" }]);
  });
});
