import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { stringify } from "yaml";
import { clusterAccess } from "../../src/cli/cluster-access.ts";
import { kubeConfigEndpoint } from "../../src/cli/kubeconfig.ts";
import { readKubeconfig } from "../../src/cli/kubeconfig-files.ts";
import { proxyOf } from "../../src/cli/proxy-of.ts";
import { newAuthority } from "../kube/support/certificates.ts";
import { transportTo } from "../kube/support/clients.ts";
import { json, scriptServer } from "../kube/support/script-server.ts";
import { FakeClock } from "../support/fake-clock.ts";

const authority = newAuthority("cluster-ca");
const read = { method: "GET", path: "/version", what: "get it" } as const;

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "keyturn-ways-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
}

interface Parts {
  readonly name?: string;
  readonly server?: string;
  readonly cluster?: object;
  readonly user?: object;
  readonly current?: string;
}

/** A kubeconfig of one context, in the folder. */
function write(
  dir: string,
  { name = "one", server = "https://api.example", cluster, user, current = name }: Parts,
): string {
  const file = join(dir, `${name}.yaml`);
  const config = {
    clusters: [{ name, cluster: { server, ...cluster } }],
    users: [{ name, user: user ?? { token: `token-${name}` } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    ...(current !== "" && { "current-context": current }),
  };
  writeFileSync(file, stringify(config));
  return file;
}

const tokenOf = async (files: readonly string[], options: object = {}): Promise<string | undefined> =>
  (await kubeConfigEndpoint({ files, ...options }).endpoint.credentials()).token;

describe("several files", () => {
  test("one that is missing is passed over where the list came from the environment", async () => {
    const dir = folder();
    const files = [join(dir, "none"), write(dir, {})];
    expect(await tokenOf(files, { mayMiss: true })).toBe("token-one");
    expect(() => kubeConfigEndpoint({ files })).toThrow('none": is not there');
  });

  test("none that is there is said with all of them", () => {
    const files = [join(folder(), "a"), join(folder(), "b")];
    expect(() => kubeConfigEndpoint({ files, mayMiss: true })).toThrow(
      `Cannot find a kubeconfig: must be there, is not: "${files.join('", "')}"`,
    );
  });

  test("of two entries with one name the first counts, and of two current contexts", async () => {
    const dir = folder();
    const first = write(dir, { name: "same", user: { token: "first" } });
    const second = write(folder(), { name: "same", user: { token: "second" } });
    expect(await tokenOf([first, second])).toBe("first");
    expect(await tokenOf([second, first])).toBe("second");
    const without = write(folder(), { name: "other", current: "" });
    expect(kubeConfigEndpoint({ files: [without, first] }).context).toBe("same");
  });

  test("KUBECONFIG may name some that are not there, --kubeconfig may not", async () => {
    const dir = folder();
    const list = [join(dir, "none"), write(dir, {})].join(":");
    expect((await clusterAccess({}, { KUBECONFIG: list })).where).toBe("context one");
    await expect(clusterAccess({ kubeconfig: list }, {})).rejects.toThrow('none": is not there');
  });
});

describe("paths", () => {
  test("of certificates and token files are from the kubeconfig's folder", async () => {
    const dir = folder();
    const { cert, key } = authority.issue("admin");
    for (const [name, text] of Object.entries({
      "ca.crt": authority.cert,
      "me.crt": cert,
      "me.key": key,
      token: "t\n",
    })) {
      writeFileSync(join(dir, name), text);
    }
    const user = { "client-certificate": "me.crt", "client-key": "./me.key", tokenFile: "token" };
    const file = write(dir, { cluster: { "certificate-authority": "ca.crt" }, user });
    const { endpoint } = kubeConfigEndpoint({ files: [file] });
    expect(await endpoint.credentials()).toMatchObject({ token: "t", tls: { ca: authority.cert, cert, key } });
  });

  test("of an exec command with a slash, too; one without is looked for in PATH", async () => {
    const dir = folder();
    mkdirSync(join(dir, "bin"));
    const program = join(dir, "bin", "login");
    const credential = JSON.stringify({ kind: "ExecCredential", status: { token: "by-exec" } });
    writeFileSync(program, `#!/bin/sh\necho '${credential}'\n`);
    chmodSync(program, 0o755);
    const exec = (command: string) => ({ exec: { apiVersion: "client.authentication.k8s.io/v1", command } });
    expect(await tokenOf([write(dir, { user: exec("./bin/login") })])).toBe("by-exec");
    expect(await tokenOf([write(dir, { user: exec("bin/login") })])).toBe("by-exec");
    const env = { PATH: `${join(dir, "bin")}:/usr/bin:/bin` };
    expect(await tokenOf([write(dir, { user: exec("login") })], { env })).toBe("by-exec");
  });

  test("are absolute also where the kubeconfig's own is not", () => {
    const dir = folder();
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    process.chdir(dir);
    const cluster = { "certificate-authority": "ca.crt" };
    write(dir, { cluster, user: { tokenFile: "/run/token", exec: { command: "./login" } } });
    const { clusters, users } = readKubeconfig({ files: ["one.yaml"], mayMiss: false });
    // The system's name of the folder may be another than ours
    const own = process.cwd();
    expect(clusters).toMatchObject([{ cluster: { "certificate-authority": join(own, "ca.crt") } }]);
    expect(users).toMatchObject([{ user: { tokenFile: "/run/token", exec: { command: join(own, "login") } } }]);
  });
});

describe("an exec plugin", () => {
  const info = (more: object, code: string) => ({
    exec: {
      ...{ apiVersion: "client.authentication.k8s.io/v1", command: process.execPath, args: ["-e", code], ...more },
    },
  });
  const callBy = (user: object): Promise<unknown> =>
    transportTo(kubeConfigEndpoint({ files: [write(folder(), { user })] }).endpoint).call(read);

  test("that is not installed is said with the hint of how to install it", async () => {
    const exec = { apiVersion: "v1", command: "no-such-login", installHint: "Install it:\n  brew install login\n" };
    await expect(callBy({ exec })).rejects.toThrow(
      'Cannot get it: no credentials: the exec plugin "no-such-login" must be installed, is not there\nInstall it:\n  brew install login',
    );
  });

  test("that fails is said with its exit code, and nothing that it printed", async () => {
    const called = callBy(info({}, "console.log('c2VjcmV0'); process.exit(3)"));
    await expect(called).rejects.toThrow("must end with exit code 0, ended with 3");
    await expect(called).rejects.not.toThrow("c2VjcmV0");
  });

  test("is told of the cluster where it asks for that, and has the variables of the kubeconfig", async () => {
    const code =
      "const {spec} = JSON.parse(process.env.KUBERNETES_EXEC_INFO); console.log(JSON.stringify({status: {token: `${spec.cluster?.server} ${process.env.WHO}`.replaceAll(' ', '-')}}))";
    const env = [{ name: "WHO", value: "me" }];
    expect(await tokenOf([write(folder(), { user: info({ env, provideClusterInfo: true }, code) })])).toBe(
      "https://api.example-me",
    );
    expect(await tokenOf([write(folder(), { user: info({ env }, code) })])).toBe("undefined-me");
  });

  /** What a plugin that asks for it is told of the cluster. */
  const toldOf = async (dir: string, cluster: object, options: object = {}): Promise<unknown> => {
    const code =
      "const {spec} = JSON.parse(process.env.KUBERNETES_EXEC_INFO); console.log(JSON.stringify({status: {token: Buffer.from(JSON.stringify(spec.cluster)).toString('base64')}}))";
    const token = await tokenOf([write(dir, { cluster, user: info({ provideClusterInfo: true }, code) })], options);
    return JSON.parse(Buffer.from(token ?? "", "base64").toString());
  };

  test("is told the CA itself where the kubeconfig names its file, and what the kubeconfig has for plugins", async () => {
    const dir = folder();
    writeFileSync(join(dir, "ca.crt"), authority.cert);
    const extension = { audience: "cluster-a" };
    const extensions = [
      { name: "other", extension: { audience: "other" } },
      { name: "client.authentication.k8s.io/exec", extension },
    ];
    const data = Buffer.from(authority.cert).toString("base64");
    expect(await toldOf(dir, { "certificate-authority": "ca.crt", extensions })).toEqual({
      ...{ server: "https://api.example", "certificate-authority-data": data, config: extension },
    });
    writeFileSync(join(dir, "other.crt"), newAuthority("other").cert);
    const both = { "certificate-authority": "other.crt", "certificate-authority-data": data };
    expect(await toldOf(dir, both)).toMatchObject({ "certificate-authority-data": data });
    await expect(toldOf(dir, { "certificate-authority": "none" })).rejects.toThrow(
      `must be told the certificate authority: "${join(dir, "none")}": it is not there, or no longer`,
    );
  });

  test("is told no name of another server's certificate", async () => {
    const cluster = { "tls-server-name": "api" };
    expect(await toldOf(folder(), cluster)).toMatchObject({ "tls-server-name": "api" });
    expect(await toldOf(folder(), cluster, { server: "https://other.example" })).toEqual({
      server: "https://other.example",
    });
  });

  test("without a command is said so", async () => {
    await expect(callBy(info({ command: "" }, ""))).rejects.toThrow(
      "the exec plugin of the kubeconfig must have a command",
    );
    await expect(callBy({ exec: {} })).rejects.toThrow("the exec plugin of the kubeconfig must have a command");
  });

  test.each<[what: string, more: object]>([
    ["an argument", { args: ["c2VjcmV0\0"] }],
    ["a variable", { env: [{ name: "TOKEN", value: "c2VjcmV0\0" }] }],
    ["a variable's name", { env: [{ name: "c2VjcmV0\0", value: "" }] }],
  ])("with a NUL in %s is said so, without the value", async (_, more) => {
    const called = callBy(info(more, ""));
    await expect(called).rejects.toThrow("must have no NUL in its command, arguments and variables");
    await expect(called).rejects.not.toThrow("c2VjcmV0");
  });

  test("with more arguments than the system takes is said so, without one", async () => {
    const called = callBy(info({ args: ["c2VjcmV0".repeat(1 << 20)] }, ""));
    await expect(called).rejects.toThrow("must be a program that may be run");
    await expect(called).rejects.not.toThrow("c2VjcmV0");
  });

  test("runs again when what it gave has expired, and once for two who ask at once", async () => {
    const dir = folder();
    const count = join(dir, "count");
    const code = (ends: string) =>
      `require("fs").appendFileSync(${JSON.stringify(count)}, "x"); console.log(JSON.stringify({status: {token: require("fs").readFileSync(${JSON.stringify(count)}, "utf8"), expirationTimestamp: "${ends}"}}))`;
    const { endpoint } = kubeConfigEndpoint({ files: [write(dir, { user: info({}, code("2000-01-01T00:00:00Z")) })] });
    const both = await Promise.all([endpoint.credentials(), endpoint.credentials()]);
    expect(both.map(({ token }) => token)).toEqual(["x", "x"]);
    expect((await endpoint.credentials()).token).toBe("xx");
    const lasting = kubeConfigEndpoint({ files: [write(dir, { user: info({}, code("2999-01-01T00:00:00Z")) })] });
    expect((await lasting.endpoint.credentials()).token).toBe("xxx");
    expect((await lasting.endpoint.credentials()).token).toBe("xxx");
  });

  test("that must ask somebody is refused where nobody is", async () => {
    await expect(callBy(info({ interactiveMode: "Always" }, ""))).rejects.toThrow(
      "must ask somebody at a terminal, there is none",
    );
  });
});

/** A proxy that takes every CONNECT to one server, whatever name it has there. */
async function connectProxy(target: string) {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on("connect", (request, client: Socket) => {
    asked.push(request.url ?? "");
    const upstream = connect(Number(new URL(target).port), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      client.pipe(upstream).pipe(client);
    });
    for (const socket of [client, upstream]) sockets.add(socket.on("error", () => undefined));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe("a proxy", () => {
  const behind = async () => {
    const { cert, key } = authority.issue("server");
    const script = await scriptServer([json(200, {})], { cert, key });
    const proxy = await connectProxy(script.server);
    const cluster = {
      "certificate-authority-data": Buffer.from(authority.cert).toString("base64"),
      "tls-server-name": "localhost",
    };
    return { script, proxy, cluster, server: "https://api.nowhere.invalid:6443" };
  };

  test("of the environment is between us and the server, on one connection", async () => {
    const { script, proxy, cluster, server } = await behind();
    const files = [write(folder(), { server, cluster })];
    const transport = transportTo(kubeConfigEndpoint({ files, env: { HTTPS_PROXY: proxy.url } }).endpoint);
    for (let n = 0; n < 3; n++) await transport.call(read);
    expect(proxy.asked).toEqual(["api.nowhere.invalid:6443"]);
    expect(script.calls[0]?.headers.authorization).toBe("Bearer token-one");
    const spared = { HTTPS_PROXY: proxy.url, NO_PROXY: "nowhere.invalid" };
    const direct = transportTo(kubeConfigEndpoint({ files, env: spared }).endpoint, { clock: new FakeClock() });
    await expect(direct.call({ ...read, totalMs: 50 })).rejects.toThrow(
      'no connection (no address is known for "api.nowhere.invalid")',
    );
  });

  test("of the kubeconfig wins over the environment's", async () => {
    const { proxy, cluster, server } = await behind();
    const files = [write(folder(), { server, cluster: { ...cluster, "proxy-url": proxy.url } })];
    const env = { HTTPS_PROXY: "http://127.0.0.1:1", NO_PROXY: "*" };
    await transportTo(kubeConfigEndpoint({ files, env }).endpoint).call(read);
    expect(proxy.asked).toEqual(["api.nowhere.invalid:6443"]);
  });

  test("is passed with the certificate that an exec plugin gave last", async () => {
    const { cert, key } = authority.issue("server");
    const seen: string[] = [];
    const script = await scriptServer(
      [
        (response, call) => {
          if (call.socket instanceof TLSSocket) seen.push(String(call.socket.getPeerCertificate().subject.CN));
          json(200, {})(response, call);
        },
      ],
      { cert, key, ca: authority.cert, requestCert: true },
    );
    const proxy = await connectProxy(script.server);
    const dir = folder();
    const print = (name: string, ends: string): void => {
      const { cert: clientCertificateData, key: clientKeyData } = authority.issue(name);
      const status = { clientCertificateData, clientKeyData, expirationTimestamp: ends };
      writeFileSync(join(dir, "credential"), JSON.stringify({ status }));
    };
    const args = ["-e", "process.stdout.write(require('fs').readFileSync(process.argv[1]))", join(dir, "credential")];
    const user = { exec: { command: process.execPath, args } };
    const cluster = {
      "certificate-authority-data": Buffer.from(authority.cert).toString("base64"),
      "tls-server-name": "localhost",
      "proxy-url": proxy.url,
    };
    const files = [write(dir, { server: "https://api.nowhere.invalid:6443", cluster, user })];
    const transport = transportTo(kubeConfigEndpoint({ files }).endpoint);
    print("first", "2000-01-01T00:00:00Z");
    await transport.call(read);
    print("second", "2999-01-01T00:00:00Z");
    for (let n = 0; n < 2; n++) await transport.call(read);
    expect(seen).toEqual(["first", "second", "second"]);
    expect(proxy.asked).toHaveLength(2);
  });

  test("that refuses is said so", async () => {
    const refusing = createServer();
    refusing.on("connect", (_, socket: Socket) => socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"));
    await once(refusing.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => void refusing.close());
    const env = { HTTPS_PROXY: `http://127.0.0.1:${(refusing.address() as AddressInfo).port}` };
    const { endpoint } = kubeConfigEndpoint({ files: [write(folder(), {})], env });
    const transport = transportTo(endpoint, { clock: new FakeClock() });
    await expect(transport.call({ ...read, totalMs: 50 })).rejects.toThrow("no connection (the proxy answers 407)");
  });
});

describe("proxyOf, as Go has it", () => {
  const proxy = "http://proxy:3128";
  test.each<[server: string, env: Readonly<Record<string, string>>, proxy: string | undefined]>([
    ["https://api.example", { HTTPS_PROXY: proxy }, proxy],
    ["https://api.example", { https_proxy: proxy }, proxy],
    ["https://api.example", { HTTPS_PROXY: "", https_proxy: proxy }, proxy],
    ["https://api.example", { HTTPS_PROXY: "proxy:3128" }, proxy],
    ["https://api.example", { HTTP_PROXY: proxy }, undefined],
    ["http://api.example", { HTTP_PROXY: proxy }, proxy],
    ["https://localhost:6443", { HTTPS_PROXY: proxy }, undefined],
    ["https://127.0.0.2:6443", { HTTPS_PROXY: proxy }, undefined],
    ["https://[::1]:6443", { HTTPS_PROXY: proxy }, undefined],
    ...(
      [
        ["*", "https://api.example", true],
        ["api.example", "https://api.example", true],
        ["example", "https://api.example", true],
        [".example", "https://api.example", true],
        ["*.example", "https://api.example", true],
        [".api.example", "https://api.example", false],
        ["pi.example", "https://api.example", false],
        ["API.Example", "https://api.example", true],
        ["a.example, api.example", "https://api.example", true],
        ["api.example:443", "https://api.example", true],
        ["api.example:6443", "https://api.example", false],
        ["10.0.0.0/8", "https://10.1.2.3:6443", true],
        ["10.0.0.0/8", "https://11.1.2.3:6443", false],
        ["10.1.2.3", "https://10.1.2.3:6443", true],
        ["10.1.2.3:6443", "https://10.1.2.3:6443", true],
        ["10.1.2.3:443", "https://10.1.2.3:6443", false],
        ["fd00::/8", "https://[fd00::1]:6443", true],
        ["fd00::1", "https://[fd00::1]:6443", true],
        ["[fd00::1]:6443", "https://[fd00::1]:6443", true],
        ["10.0.0.0/99", "https://10.1.2.3", false],
        ["", "https://api.example", false],
      ] as const
    ).map(([spared, server, isSpared]): [string, Readonly<Record<string, string>>, string | undefined] => [
      server,
      { HTTPS_PROXY: proxy, NO_PROXY: spared },
      isSpared ? undefined : proxy,
    ]),
  ])("%s with %o", (server, env, wanted) => expect(proxyOf(new URL(server), env)).toBe(wanted));
});

describe("--server and --as", () => {
  test("a server of one's own needs no kubeconfig, also over plain http", async () => {
    const script = await scriptServer([json(200, {})]);
    const access = await clusterAccess({ server: script.server }, { KUBECONFIG: join(folder(), "none") });
    expect([access.where, access.namespace]).toEqual([`server ${script.server}`, "default"]);
    await transportTo(access.endpoint).call(read);
    expect(script.calls[0]?.headers.authorization).toBeUndefined();
  });

  test("another server than the context's is asked with its credentials", async () => {
    const script = await scriptServer([json(200, {})]);
    const access = await clusterAccess({ server: script.server }, { KUBECONFIG: write(folder(), {}) });
    await transportTo(access.endpoint).call(read);
    expect(script.calls[0]?.headers.authorization).toBe("Bearer token-one");
  });

  test("another server has its own name in its certificate", async () => {
    const files = [write(folder(), { cluster: { "tls-server-name": "api" } })];
    const nameFor = async (options: object) =>
      (await kubeConfigEndpoint({ files, ...options }).endpoint.credentials()).tls.serverName;
    expect(await nameFor({})).toBe("api");
    expect(await nameFor({ server: "https://other.example" })).toBeUndefined();
  });

  test("somebody else is named in headers, over what the kubeconfig says", async () => {
    const script = await scriptServer([json(200, {}), json(200, {})]);
    const user = {
      ...{ token: "t", as: "file", "as-groups": ["a", "b"], "as-uid": "7" },
      "as-user-extra": { "Example.com/Scope": ["dev"] },
    };
    const config = { KUBECONFIG: write(folder(), { server: script.server, user }) };
    await transportTo((await clusterAccess({}, config)).endpoint).call(read);
    expect(script.calls[0]?.headers).toMatchObject({
      "impersonate-user": "file",
      "impersonate-group": "a, b",
      "impersonate-uid": "7",
      "impersonate-extra-example.com%2fscope": "dev",
    });
    const flags = { as: "flag", asGroup: ["ops"] };
    await transportTo((await clusterAccess(flags, config)).endpoint).call(read);
    expect(script.calls[1]?.headers).toMatchObject({ "impersonate-user": "flag", "impersonate-group": "ops" });
  });
});
