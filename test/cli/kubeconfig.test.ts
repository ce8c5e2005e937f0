import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { stringify } from "yaml";
import { kubeConfigEndpoint } from "../../src/cli/kubeconfig.ts";
import { newAuthority } from "../kube/support/certificates.ts";
import { transportTo } from "../kube/support/clients.ts";
import { json, scriptServer, status } from "../kube/support/script-server.ts";

const authority = newAuthority("cluster-ca");
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const read = { method: "GET", path: "/version", what: "get it" } as const;

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "keyturn-kubeconfig-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
}

interface Parts {
  readonly server?: string;
  readonly user?: object;
  readonly name?: string;
  readonly cluster?: object;
}

function kubeConfig({ server = "https://api.example:6443", user = { token: "t" }, name = "one", cluster }: Parts) {
  const ca = { "certificate-authority-data": base64(authority.cert) };
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, ...ca, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: `ns-${name}` } }],
    "current-context": name,
  };
}

function write(dir: string, content: unknown, name = "config"): string {
  const file = join(dir, name);
  writeFileSync(file, typeof content === "string" ? content : stringify(content));
  return file;
}

/** A server behind TLS, whose CA the kubeconfigs know. */
const tlsServer = (...replies: Parameters<typeof scriptServer>[0]) => {
  const { cert, key } = authority.issue("server");
  return scriptServer(replies, { cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: false });
};

test("kubeConfigEndpoint has server, namespace, token and CA of the current context", async () => {
  const file = write(folder(), kubeConfig({}));
  const { endpoint, namespace, context } = kubeConfigEndpoint({ files: [file] });
  expect([endpoint.server, namespace, context]).toEqual(["https://api.example:6443", "ns-one", "one"]);
  expect(await endpoint.credentials()).toMatchObject({ token: "t", tls: { ca: authority.cert } });
});

test("kubeConfigEndpoint takes another context, also from the second file", async () => {
  const dir = folder();
  const files = [write(dir, kubeConfig({}), "a"), write(dir, kubeConfig({ name: "two", user: { token: "u" } }), "b")];
  const { endpoint, namespace } = kubeConfigEndpoint({ files, context: "two" });
  expect([namespace, (await endpoint.credentials()).token]).toEqual(["ns-two", "u"]);
  expect(kubeConfigEndpoint({ files }).context).toBe("one");
});

test("kubeConfigEndpoint makes one connection for many calls, with a client certificate", async () => {
  const { cert, key } = authority.issue("admin");
  const script = await tlsServer(json(200, {}));
  const user = { "client-certificate-data": base64(cert), "client-key-data": base64(key) };
  const file = write(folder(), kubeConfig({ server: script.server, user }));
  const transport = transportTo(kubeConfigEndpoint({ files: [file] }).endpoint);
  for (let n = 0; n < 50; n++) await transport.call(read);
  expect(script.connections.opened).toBe(1);
  expect(script.calls[0]?.headers.authorization).toBeUndefined();
});

/** An exec plugin that prints what stands in a file. */
function plugin(dir: string, output: string) {
  const file = write(dir, output, "credential");
  const code = 'process.stdout.write(require("fs").readFileSync(process.argv[1]))';
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: process.execPath,
    args: ["-e", code, file],
    interactiveMode: "Never",
  };
  return { exec, print: (text: string): void => writeFileSync(file, text) };
}

const credential = (token: string): string =>
  JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token } });

test("kubeConfigEndpoint runs the exec plugin once, and again after a 401", async () => {
  const dir = folder();
  const script = await tlsServer(json(200, {}), json(200, {}), status(401, "Unauthorized"), json(200, {}));
  const { exec, print } = plugin(dir, credential("first"));
  const file = write(dir, kubeConfig({ server: script.server, user: { exec } }));
  const transport = transportTo(kubeConfigEndpoint({ files: [file] }).endpoint);
  await transport.call(read);
  print(credential("second"));
  await transport.call(read);
  await transport.call(read);
  const tokens = script.calls.map(({ headers }) => headers.authorization);
  expect(tokens).toEqual(["Bearer first", "Bearer first", "Bearer first", "Bearer second"]);
});

test("kubeConfigEndpoint does not repeat what a plugin printed that is no JSON", async () => {
  const dir = folder();
  const { exec } = plugin(dir, "token-c2VjcmV0");
  const file = write(dir, kubeConfig({ user: { exec } }));
  const call = transportTo(kubeConfigEndpoint({ files: [file] }).endpoint).call(read);
  await expect(call).rejects.toMatchObject({
    code: "NoCredentials",
    message: `Cannot get it: no credentials: the exec plugin "${process.execPath}" must print JSON, an ExecCredential with a token or a certificate`,
  });
});

test("kubeConfigEndpoint impersonates, and believes any server only when it is told to", async () => {
  const cluster = { "insecure-skip-tls-verify": true, "tls-server-name": "api" };
  const file = write(folder(), kubeConfig({ cluster, user: { token: "t", as: "somebody" } }));
  expect(await kubeConfigEndpoint({ files: [file] }).endpoint.credentials()).toMatchObject({
    tls: { insecure: true, serverName: "api" },
    headers: { "impersonate-user": "somebody" },
  });
});

test.each([
  ["a file that is missing", { content: undefined, more: {}, message: /"\S+none": is not there$/ }],
  ["a file that is no YAML", { content: "token: {c2VjcmV0", more: {}, message: /must be a kubeconfig$/ }],
  [
    "a context that it does not have",
    { content: kubeConfig({}), more: { context: "other" }, message: /must have the context "other", has \w+$/ },
  ],
  ["no cluster", { content: { ...kubeConfig({}), clusters: [] }, more: {}, message: /must name a cluster$/ }],
])("kubeConfigEndpoint refuses %s", (_, { content, more, message }) => {
  const dir = folder();
  const file = content === undefined ? join(dir, "none") : write(dir, content);
  expect(() => kubeConfigEndpoint({ files: [file], ...more })).toThrow(message);
  expect(() => kubeConfigEndpoint({ files: [file], ...more })).not.toThrow("c2VjcmV0");
});

test("a kubeconfig is refused with the name of the library that reads it where that is not installed", async () => {
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  // As if the library stood in no node_modules that is looked into
  const resolve = `(name, context, next) => next(name, name === "@kubernetes/client-node" ? { ...context, parentURL: "file:///nowhere/a.mjs" } : context)`;
  const without = `data:text/javascript,import { registerHooks } from "node:module"; registerHooks({ resolve: ${resolve} })`;
  const args = ["--import", encodeURI(without), main, "status", "--kubeconfig", join(folder(), "kubeconfig")];
  const failed: unknown = await promisify(execFile)(process.execPath, args).catch((error: unknown) => error);
  const message = "keyturn: error: Cannot read a kubeconfig: @kubernetes/client-node must be installed\n";
  expect(failed).toMatchObject({ code: 1, stdout: "", stderr: message });
});
