import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { helmMajors } from "../../hack/helm.ts";
import { root } from "../../hack/run.ts";
import { inject } from "../../src/inject/inject.ts";
import type { Members } from "../../src/parse/object.ts";
import { refusalsOf } from "./support/openshift.ts";
import { issuer, podOf, type Rendered, render, rotations, runHelm, withSessions } from "./support/render.ts";
import { plain } from "./support/plain.ts";

const openShift = ["--api-versions", "security.openshift.io/v1"];

/** What OpenShift would refuse of the pods, by their names. */
const refusals = (objects: readonly Rendered[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    objects
      .filter(({ kind }) => ["Deployment", "StatefulSet", "Job"].includes(kind))
      .map((one) => [`${one.kind} ${one.metadata.name}`, refusalsOf(podOf(one).spec)]),
  );

const none = (names: readonly string[]): object => Object.fromEntries(names.map((name) => [name, []]));

describe.each(helmMajors)("the chart on OpenShift, rendered by Helm %i", (major) => {
  const all = [
    "Deployment keyturn-controller",
    "Deployment keyturn-issuer",
    "Deployment keyturn-jwks",
    "Job keyturn-wait",
  ];

  it.each<[string, object]>([
    ["everything", withSessions],
    ["an issuer on SQLite", { ...withSessions, rotations, issuer }],
  ])("is accepted by restricted-v2 as it comes: %s", async (_, values) => {
    expect(refusals(await render(values, { major, flags: openShift }))).toEqual(none(all));
  });

  it("names the image's user elsewhere, which OpenShift would refuse", async () => {
    const found = refusals(await render(withSessions, { major }));
    expect(Object.keys(found)).toEqual(all);
    for (const why of Object.values(found)) expect(why).toEqual(["fsGroup 65532", "runAsUser 65532"]);
  });

  it("keeps a user that somebody has chosen", async () => {
    const values = {
      podSecurityContext: { runAsUser: 1_000_680_005, fsGroup: 1_000_680_006, supplementalGroups: [7] },
    };
    const [workload] = (await render(values, { major, flags: openShift })).filter(({ kind }) => kind === "Deployment");
    expect(workload && podOf(workload).spec["securityContext"]).toEqual({
      ...{ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      ...values.podSecurityContext,
    });
  });
});

/** Gateway with sessions, and agent, with all volumes that they may have. */
const injected = (runAsUser?: "any" | number): Members => {
  const user = runAsUser === undefined ? {} : { runAsUser };
  const { manifest } = inject(plain, {
    gateway: {
      ...{ rotation: "orders", image: "keyturn:1", flags: [], issuerToken: { audience: "a" }, ...user },
      ports: { "--port": 8080, "--admin-port": 9090 },
      sessions: {
        ports: { "--session-port": 8083, "--session-grpc-port": 8084 },
        ...{ drainMs: 1000, bus: { secretName: "nats" } },
      },
    },
    agent: {
      ...{ image: "keyturn:1", keeps: { configMap: "agent" }, flags: [], issuerToken: { audience: "a" }, ...user },
      ports: { "--agent-admin-port": 9091 },
    },
  });
  const [workload] = parseAllDocuments(manifest).map((document) => document.toJS() as Rendered);
  if (workload === undefined) throw new Error(manifest);
  return podOf(workload).spec;
};

it("what keyturn inject prints with --no-run-as-user is accepted by restricted-v2", () => {
  expect(refusalsOf(injected("any"))).toEqual([]);
  expect(refusalsOf(injected(1_000_680_001))).toEqual([]);
  expect(refusalsOf(injected())).toEqual(["keyturn: runAsUser 65532", "keyturn-agent: runAsUser 65532"]);
});

describe("charts/keyturn-sidecar on OpenShift", () => {
  const homes: string[] = [];
  afterAll(async () => {
    for (const home of homes) await rm(home, { recursive: true, force: true });
  });

  /** The chart that the page shows with this first line, and with its line for OpenShift below that. */
  async function consumer(heading: string): Promise<string> {
    const page = await readFile(join(root, "docs/sidecar.md"), "utf8");
    const start = page.indexOf(`\`\`\`yaml\n${heading}\n`);
    const template = page.slice(start + 8, page.indexOf("\n```", start));
    const name = /\$(\w+) := dict/.exec(template)?.[1] ?? "";
    const line = /^\{\{- \$_ := set \$keyturn "runAsUser" .*$/m.exec(page)?.[0] ?? "";
    const home = await mkdtemp(join(tmpdir(), "keyturn-consumer-"));
    homes.push(home);
    const dependencies = [{ name: "keyturn-sidecar", version: "0.1.0", repository: "file://charts/keyturn-sidecar" }];
    await mkdir(join(home, "templates"));
    await writeFile(
      join(home, "Chart.yaml"),
      stringify({ apiVersion: "v2", name: "orders", version: "1.0.0", dependencies }),
    );
    await cp(join(root, "charts/keyturn-sidecar"), join(home, "charts/keyturn-sidecar"), { recursive: true });
    const more = line.replace("$keyturn", `$${name}`);
    await writeFile(
      join(home, "templates/deployment.yaml"),
      template.replace(/^\{\{- \$\w+ := dict .*$/m, (first) => `${first}\n${more}`),
    );
    return home;
  }

  it.each(["# templates/deployment.yaml", "# templates/deployment.yaml, with the agent"])(
    "is accepted by the line that the documentation shows: %s",
    async (heading) => {
      const home = await consumer(heading);
      const rendered = async (flags: readonly string[]): Promise<readonly string[]> => {
        const { code, out, err } = await runHelm(["template", "orders", home, ...flags]);
        if (code !== 0) throw new Error(err);
        const objects = parseAllDocuments(out).map((document) => document.toJS() as Rendered);
        return Object.values(refusals(objects)).flat();
      };
      expect(await rendered(openShift)).toEqual([]);
      expect(await rendered([])).toEqual([expect.stringContaining("runAsUser 65532")]);
    },
  );
});
