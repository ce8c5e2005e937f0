import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { helmMajors } from "../../hack/helm.ts";
import { root } from "../../hack/run.ts";
import { inject } from "../../src/inject/inject.ts";
import type { GatewaySidecar } from "../../src/inject/gateway-sidecar.ts";
import { runHelm } from "./support/render.ts";
import { withoutRecord } from "./support/without-record.ts";
import { plain } from "./support/plain.ts";

let chart = "";

/** The template that docs/sidecar.md shows, in a chart that has the library as Helm unpacks it. */
beforeAll(async () => {
  const page = await readFile(join(root, "docs/sidecar.md"), "utf8");
  const [, template = ""] = /```yaml\n# templates\/deployment.yaml\n(.*?)```/s.exec(page) ?? [];
  chart = await mkdtemp(join(tmpdir(), "keyturn-consumer-"));
  await mkdir(join(chart, "templates"));
  await writeFile(join(chart, "templates/deployment.yaml"), template);
  const dependencies = [{ name: "keyturn-sidecar", version: "0.1.0", repository: "file://charts/keyturn-sidecar" }];
  await writeFile(
    join(chart, "Chart.yaml"),
    stringify({ apiVersion: "v2", name: "orders", version: "1.0.0", dependencies }),
  );
  await cp(join(root, "charts/keyturn-sidecar"), join(chart, "charts/keyturn-sidecar"), { recursive: true });
});

afterAll(() => rm(chart, { recursive: true, force: true }));

/** What the chart renders, with other arguments for the templates. */
async function rendered(args: object, major: (typeof helmMajors)[number] = 4): Promise<unknown[]> {
  const path = join(chart, "templates/deployment.yaml");
  const template = await readFile(path, "utf8");
  const given = `{{- $keyturn := fromJson ${JSON.stringify(JSON.stringify(args))} }}`;
  await writeFile(
    path,
    template.replace(/^\{\{- \$keyturn := .*$/m, () => given),
  );
  const { code, out, err } = await runHelm(["template", "orders", chart, "--namespace", "shop"], { major });
  await writeFile(path, template);
  if (code !== 0) throw new Error(err);
  return parse(out);
}

/** Helm sorts by kind. */
const parse = (text: string): unknown[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as { readonly kind?: string })
    .sort((a, b) => (a.kind ?? "").localeCompare(b.kind ?? ""));

/** Namespaces of the rights are left to inject where the Deployment names none. */
function injected(options: Partial<GatewaySidecar>): unknown[] {
  const ports = { "--port": 8080, "--admin-port": 9090 };
  const image = "ghcr.io/keyturn/keyturn:0.1.0";
  const { manifest } = inject(plain, {
    namespace: "shop",
    gateway: { rotation: "orders", image, ports, flags: [], ...options },
  });
  return withoutRecord(parse(manifest));
}

const pods = { rotation: "orders", serviceAccountName: "orders", namespace: "shop" };

describe.each(helmMajors)("charts/keyturn-sidecar, rendered by Helm %i", (major) => {
  it.each<[string, object, Partial<GatewaySidecar>]>([
    ["as little as it takes", {}, {}],
    ["flags of the gateway", { flags: ["--mint-listen=127.0.0.1:8081"] }, { flags: ["--mint-listen=127.0.0.1:8081"] }],
    ["the public ring", { public: true }, { isPublic: true }],
    ["another user", { runAsUser: 1_000_690_000 }, { runAsUser: 1_000_690_000 }],
    ["a user that the cluster gives", { runAsUser: false }, { runAsUser: "any" }],
    [
      "an issuer that tells of revocations",
      { revocations: { url: "https://issuer.example/v1/revocations" } },
      {
        flags: ["--revocations=https://issuer.example/v1/revocations"],
        issuerToken: { audience: "keyturn-issuer" },
      },
    ],
    [
      "such an issuer, with all that can be said of it",
      {
        flags: ["--mint-listen=127.0.0.1:8081"],
        revocations: { url: "https://x/y?a=b: c #d", audience: "https://x", maxAge: "5m", caConfigMap: "issuer-ca" },
      },
      {
        flags: ["--mint-listen=127.0.0.1:8081", "--revocations=https://x/y?a=b: c #d", "--revocations-max-age=5m"],
        issuerToken: { audience: "https://x", caConfigMap: "issuer-ca" },
      },
    ],
    [
      "all that there is",
      { secretName: "keys", image: "mirror.example/keyturn:7", port: 8089, adminPort: 9099, public: true },
      {
        secretName: "keys",
        image: "mirror.example/keyturn:7",
        isPublic: true,
        ports: { "--port": 8089, "--admin-port": 9099 },
      },
    ],
  ])("is what keyturn inject makes of the same application: %s", async (_, args, options) => {
    expect(await rendered({ ...pods, ...args }, major)).toEqual(injected(options));
  });
});

it("is what the documentation shows", async () => {
  const { code, out, err } = await runHelm(["template", "orders", chart, "--namespace", "shop"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(parse(out)).toEqual(injected({ flags: ["--mint-listen=127.0.0.1:8081"] }));
});

it("hears of revocations by the line that the documentation shows", async () => {
  const page = await readFile(join(root, "docs/sidecar.md"), "utf8");
  const [, line = ""] = /^(\{\{- \$_ := set \$keyturn "revocations" .*)$/m.exec(page) ?? [];
  const path = join(chart, "templates/deployment.yaml");
  const template = await readFile(path, "utf8");
  await writeFile(
    path,
    template.replace(/^\{\{- \$keyturn := .*$/m, (first) => `${first}\n${line}`),
  );
  const { out, err } = await runHelm(["template", "orders", chart, "--namespace", "shop"]);
  await writeFile(path, template);
  expect(err).toBe("");
  const url = "https://issuer.example/v1/revocations";
  const flags = ["--mint-listen=127.0.0.1:8081", `--revocations=${url}`, "--revocations-max-age=5m"];
  expect(parse(out)).toEqual(injected({ flags, issuerToken: { audience: "keyturn-issuer" } }));
});

it("has the image of this version", async () => {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const text = await readFile(join(root, "charts/keyturn-sidecar/templates/_sidecar.tpl"), "utf8");
  expect(text).toContain(`ghcr.io/keyturn/keyturn:${version}"`);
  const [metadata] = parse(await readFile(join(root, "charts/keyturn-sidecar/Chart.yaml"), "utf8"));
  expect(metadata).toMatchObject({ version, appVersion: version });
});

it("says that the address of the issuer must be given", async () => {
  const args = { ...pods, revocations: { audience: "keyturn-issuer" } };
  await expect(rendered(args)).rejects.toThrow("keyturn-sidecar: revocations.url must be given");
});

it.each(["rotation", "serviceAccountName", "namespace"])("says that %s must be given", async (name) => {
  const args = Object.fromEntries(Object.entries(pods).filter(([one]) => one !== name));
  await expect(rendered(args)).rejects.toThrow(`keyturn-sidecar: ${name} must be given`);
});
