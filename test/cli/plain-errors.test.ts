import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { root } from "../../hack/run.ts";
import { newAuthority } from "../kube/support/certificates.ts";

const entry = join(root, "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "keyturn-errors-"));
const authority = newAuthority("ca");
const plainServer = createHttpServer((_, response) => response.end());
const { cert, key } = authority.issue("server");
const secureServer = createHttpsServer({ cert, key }, (_, response) => response.end());
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

beforeAll(async () => {
  for (const server of [plainServer, secureServer]) {
    await once(server.listen(0, "127.0.0.1"), "listening");
  }
});
afterAll(() => {
  for (const server of [plainServer, secureServer]) server.close();
  rmSync(folder, { recursive: true });
});

let files = 0;
function file(content: string | object): string {
  const path = join(folder, `file-${files++}`);
  writeFileSync(path, typeof content === "string" ? content : stringify(content));
  return path;
}

const kubeconfig = (
  server: string,
  { cluster = {}, user = { token: "t" } }: { cluster?: object; user?: object } = {},
): string =>
  file({
    clusters: [{ name: "one", cluster: { server, ...cluster } }],
    users: [{ name: "one", user }],
    contexts: [{ name: "one", context: { cluster: "one", user: "one" } }],
    "current-context": "one",
  });
const at = (config: string, within = "1s"): readonly string[] => [
  ...["status", "--kubeconfig", config, "--request-timeout", within],
];
/** Says what is wrong after its last try, and not that a busy machine answers too late. */
const patientlyAt = (config: string): readonly string[] => at(config, "60s");
const rotation = (spec: object): string =>
  file({
    ...{ apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation", metadata: { name: "gateway" } },
    spec: { tokens: { issuer: "https://issuer.example", audiences: ["api"] }, ...spec },
  });
const standalone = (config: string): readonly string[] => [
  "standalone",
  "--dir",
  join(folder, `keys-${files++}`),
  "--config",
  config,
];

interface Case {
  readonly args: () => readonly string[];
  readonly says: RegExp;
  readonly env?: Readonly<Record<string, string>>;
}

const ca = { "certificate-authority-data": Buffer.from(authority.cert).toString("base64") };

const cases: Readonly<Record<string, Case>> = {
  "no kubeconfig": { args: () => at("/nowhere"), says: /"\/nowhere": is not there/ },
  "none of a list": {
    args: () => ["status"],
    env: { KUBECONFIG: "/nowhere:/neither" },
    says: /must be there, is not: "\/nowhere", "\/neither"/,
  },
  "a directory for a kubeconfig": { args: () => at(folder), says: /it is a directory/ },
  "a kubeconfig that is none": { args: () => at(file("a: {b")), says: /must be a kubeconfig/ },
  "an API server that is not there": {
    args: () => at(kubeconfig("https://127.0.0.1:1")),
    says: /no connection \(nothing listens on 127\.0\.0\.1:1\)/,
  },
  "a name that nobody has": {
    args: () => at(kubeconfig("https://nobody.invalid")),
    says: /(no address is known for|the address of) "nobody\.invalid"/,
  },
  "plain http where TLS is meant": {
    args: () => patientlyAt(kubeconfig(`https://127.0.0.1:${portOf(plainServer)}`)),
    says: /it speaks no TLS/,
  },
  "TLS where plain http is meant": {
    args: () => patientlyAt(kubeconfig(`http://127.0.0.1:${portOf(secureServer)}`)),
    says: /no connection|the connection broke/,
  },
  "a CA that nobody knows": {
    args: () => patientlyAt(kubeconfig(`https://127.0.0.1:${portOf(secureServer)}`)),
    says: /its certificate comes from a CA that is not trusted|signed by itself/,
  },
  "a certificate for another name": {
    args: () =>
      patientlyAt(
        kubeconfig(`https://127.0.0.1:${portOf(secureServer)}`, { cluster: { ...ca, "tls-server-name": "other" } }),
      ),
    says: /its certificate is for another name/,
  },
  "an exec plugin that is not installed": {
    args: () =>
      at(
        kubeconfig("https://127.0.0.1:1", {
          user: { exec: { command: "no-such-login", installHint: "brew install login" } },
        }),
      ),
    says: /"no-such-login" must be installed, is not there\n {2}brew install login/,
  },
  "a directory that is not there": {
    args: () => ["status", "--dir", "/nowhere"],
    says: /must be a directory, is not there/,
  },
  "a file for a directory": { args: () => ["status", "--dir", entry], says: /must be a directory, is a file/ },
  "no config": { args: () => standalone("/nowhere.yaml"), says: /must be a file, is not there/ },
  "a config that is no YAML": {
    args: () => standalone(file("a: {b: ]")),
    says: /must be YAML or JSON, is neither in line 1, column/,
  },
  "a misspelt field": {
    args: () => standalone(rotation({ rotatoin: { interval: "1h" } })),
    says: /unknown field "spec\.rotatoin", did you mean "rotation"\?/,
  },
  days: {
    args: () => standalone(rotation({ rotation: { interval: "30d" } })),
    says: /spec\.rotation\.interval: must be [^\n]+, is "30d"; there are no days: 30d is 720h/,
  },
  "days in a flag": { args: () => ["rotate", "--timeout", "2 days"], says: /there are no days: 2 days is 48h/ },
  "no unit": { args: () => ["rotate", "--timeout", "90"], says: /it needs a unit: 90s, 90m or 90h/ },
  "no database": {
    args: () => ["grants", "list", "--store", "sqlite:/nowhere/grants.db"],
    says: /it is not there, or no longer|must be/,
  },
  "a database that is not there": {
    args: () => ["grants", "list", "--store", "postgres://user@127.0.0.1:1/grants"],
    says: /nothing listens on 127\.0\.0\.1:1/,
  },
  "no issuer file": {
    args: () => ["issuer", "--config", "/nowhere.yaml", "--dir", folder, "--store", `sqlite:${folder}/g.db`],
    says: /\/nowhere\.yaml/,
  },
  "no agent file": { args: () => ["agent", "--config", "/nowhere.yaml"], says: /\/nowhere\.yaml/ },
  "no agent": {
    args: () => ["agent", "status", "--socket", "unix:/nowhere.sock"],
    says: /must run, nobody listens there/,
  },
  "no manifest": { args: () => ["inject", "-f", "/nowhere.yaml", "--rotation", "a"], says: /\/nowhere\.yaml/ },
  "a directory for a spec": { args: () => ["plan", "--dir", folder, "--spec", folder], says: /it is a directory/ },
  "no such flag": { args: () => ["status", "--wach"], says: /unknown option "--wach"\n.*did you mean --watch\?/ },
  "no such command": { args: () => ["stauts"], says: /unknown command "stauts"\n.*did you mean status\?/ },
  "no such step": {
    args: () => ["wait", "--for", "step=publsh"],
    says: /must be Ready, rotated or one of step=create, step=publish/,
  },
  "a choice that is none": { args: () => ["completion", "tcsh"], says: /bash, zsh, fish/ },
  "an address that is none": { args: () => ["gateway", "--listen", "here"], says: /must look like :8080/ },
  "neither true nor false": {
    args: () => ["rotate"],
    env: { KEYTURN_ROTATE_WAIT: "perhaps" },
    says: /Cannot use KEYTURN_ROTATE_WAIT "perhaps": must be true or false/,
  },
};

/** Of the system, of Node.js, of OpenSSL, of commander, of parsers. */
const codes = /\b(?:E[A-Z]{4,}|ERR_\w+|commander\.\w+|HPE_\w+|(?!KEYTURN_|KUBE)[A-Z]{2,}(?:_[A-Z]+)+)\b/;

test.concurrent.each(Object.entries(cases))(
  "%s: an error without codes, which says what is wrong",
  async (_, { args, says, env }) => {
    const { code, text } = await ended(args(), env);
    expect(code).toBeGreaterThan(0);
    expect(text).toMatch(says);
    expect(text).not.toMatch(codes);
    expect(text).not.toContain("this is a defect");
    expect(text).not.toMatch(/^ +at /m);
  },
);

function ended(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return new Promise<{ readonly code: number; readonly text: string }>((resolve) => {
    const own = { PATH: process.env["PATH"], HOME: folder, ...env };
    const child = execFile(process.execPath, [entry, ...args], { env: own }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, text: stdout + stderr });
    });
  });
}
