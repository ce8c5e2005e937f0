import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { helmMajors } from "../../hack/helm.ts";
import { root } from "../../hack/run.ts";
import type { AgentSidecar } from "../../src/inject/agent-sidecar.ts";
import { inject } from "../../src/inject/inject.ts";
import { runHelm } from "./support/render.ts";
import { withoutRecord } from "./support/without-record.ts";
import { plain } from "./support/plain.ts";

let chart = "";
let shown = "";

/** The template that docs/sidecar.md shows, in a chart that has the library as Helm unpacks it. */
beforeAll(async () => {
  const page = await readFile(join(root, "docs/sidecar.md"), "utf8");
  shown = /```yaml\n# templates\/deployment.yaml, with the agent\n(.*?)```/s.exec(page)?.[1] ?? "";
  chart = await mkdtemp(join(tmpdir(), "keyturn-consumer-"));
  await mkdir(join(chart, "templates"));
  const dependencies = [{ name: "keyturn-sidecar", version: "0.1.0", repository: "file://charts/keyturn-sidecar" }];
  await writeFile(
    join(chart, "Chart.yaml"),
    stringify({ apiVersion: "v2", name: "orders", version: "1.0.0", dependencies }),
  );
  await cp(join(root, "charts/keyturn-sidecar"), join(chart, "charts/keyturn-sidecar"), { recursive: true });
});

afterAll(() => rm(chart, { recursive: true, force: true }));

/** What the chart renders, with other arguments for the templates. */
async function rendered(args?: object, major: (typeof helmMajors)[number] = 4): Promise<unknown> {
  const given = `{{- $agent := fromJson ${JSON.stringify(JSON.stringify(args))} }}`;
  const template = args === undefined ? shown : shown.replace(/^\{\{- \$agent := .*$/m, () => given);
  await writeFile(join(chart, "templates/deployment.yaml"), template);
  const { code, out, err } = await runHelm(["template", "orders", chart, "--namespace", "shop"], { major });
  if (code !== 0) throw new Error(err);
  return parse(out) as unknown;
}

const issuer = "https://tokens.example";

function injected(given: Partial<AgentSidecar>): unknown {
  const agent: AgentSidecar = {
    image: "ghcr.io/keyturn/keyturn:0.1.0",
    keeps: { identity: "default" },
    issuerToken: { audience: "keyturn-issuer" },
    ports: { "--agent-admin-port": 9091 },
    flags: [`--issuer=${issuer}`],
    ...given,
  };
  return withoutRecord(parse(inject(plain, { agent }).manifest) as unknown);
}

describe.each(helmMajors)("the agent of charts/keyturn-sidecar, rendered by Helm %i", (major) => {
  it.each<[string, object, Partial<AgentSidecar>]>([
    ["as little as it takes", { issuer }, {}],
    ["a user that the cluster gives", { issuer, runAsUser: false }, { runAsUser: "any" }],
    [
      "all that can be said of one identity",
      {
        ...{ issuer, identity: "on", audience: "https://x", caConfigMap: "issuer-ca", image: "mirror.example/k:7" },
        ...{ adminPort: 9099, flags: ["--audiences=a: b #c"] },
      },
      {
        image: "mirror.example/k:7",
        keeps: { identity: "on" },
        issuerToken: { audience: "https://x", caConfigMap: "issuer-ca" },
        ports: { "--agent-admin-port": 9099 },
        flags: [`--issuer=${issuer}`, "--name=on", "--audiences=a: b #c"],
      },
    ],
    [
      "a ConfigMap with many",
      { configMap: "agent", caConfigMap: "issuer-ca", flags: ["--ready-margin=10s"] },
      {
        keeps: { configMap: "agent" },
        issuerToken: { audience: "keyturn-issuer", caConfigMap: "issuer-ca" },
        flags: ["--ready-margin=10s"],
      },
    ],
  ])("is what keyturn inject makes of the same application: %s", async (_, args, given) => {
    expect(await rendered(args, major)).toEqual(injected(given));
  });
});

it("is what the documentation shows", async () => {
  const flags = ["--audiences=api", "--proxy-listen=127.0.0.1:8082", "--upstream=https://api.example"];
  expect(await rendered()).toEqual(injected({ flags: [`--issuer=${issuer}`, ...flags] }));
});

it("has the image of this version", async () => {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const text = await readFile(join(root, "charts/keyturn-sidecar/templates/_agent.tpl"), "utf8");
  expect(text).toContain(`ghcr.io/keyturn/keyturn:${version}"`);
});

it("says that the issuer must be given", async () => {
  await expect(rendered({ audience: "a" })).rejects.toThrow("keyturn-sidecar: issuer or configMap must be given");
});
