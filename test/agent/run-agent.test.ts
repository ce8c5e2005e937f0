import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { AgentOptions } from "../../src/agent/agent-options.ts";
import { openAgent, type OpenAgent } from "../../src/agent/run-agent.ts";
import { systemClock } from "../../src/time/clock.ts";
import { tempDir } from "../files/temp.ts";
import { HeardLog } from "../support/heard-log.ts";
import { IssuerHome } from "../issuer/support/issuer-home.ts";

const local = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;

/** An issuer, and a directory for an agent that asks it. */
async function newScene(): Promise<{ home: IssuerHome; dir: string; identity: (name: string) => object }> {
  const home = await IssuerHome.make();
  await home.writes({ generation: 5 });
  await home.start();
  await home.log.heard("} ready");
  const dir = await tempDir();
  const clientSecret = { clientID: "dashboard", secretFile: join(home.dir, "dashboard") };
  const sinks = (name: string): object[] => [{ file: { path: join(dir, name) } }];
  return { home, dir, identity: (name) => ({ name, source: { clientSecret }, sinks: sinks(name) }) };
}

async function fileOf(dir: string, spec: object): Promise<string> {
  const path = join(dir, "agent.json");
  const file = { apiVersion: "keyturn.dev/v1alpha1", kind: "TokenAgent", metadata: { name: "agent" }, spec };
  await writeFile(path, JSON.stringify(file));
  return path;
}

async function openAt(path: string, change: Partial<AgentOptions> = {}): Promise<OpenAgent> {
  const agent = await openAgent({
    ...{ told: { kind: "file", path }, adminListen: local, readyMarginMs: 0, startWithout: false, drainMs: 1000 },
    ...{ version: "0.0.0", clock: systemClock, chance: Math.random, newId: randomUUID, log: new HeardLog(), env: {} },
    signal: new AbortController().signal,
    ...change,
  });
  onTestFinished(() => agent.close());
  return agent;
}

async function textAt(port: number | undefined, path: string, headers: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(`http://127.0.0.1:${port ?? 0}${path}`, { headers });
  return { status: answer.status, text: await answer.text() };
}

/** A request on a Unix socket. */
function onSocket(socketPath: string, [method, path]: readonly [string, string], body?: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "keyturn-agent": "1", ...(body && { "content-type": "application/json" }) };
    const sent = request({ socketPath, method, path, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.on("error", reject).end(body && JSON.stringify(body));
  });
}

describe("openAgent", () => {
  test("keeps the identities of its file, and gives the same token by file, loopback and proxy", async () => {
    const { home, dir, identity } = await newScene();
    const issuer = { url: home.at("/") };
    const proxies = [{ listen: "127.0.0.1:0", upstream: home.at("/"), identity: "billing" }];
    const path = await fileOf(dir, { issuer, identities: [identity("billing"), identity("orders")], proxies });
    const agent = await openAt(path, { listen: local });
    const {
      api,
      admin,
      proxies: [proxy],
    } = agent.ports;
    const inFile = (await readFile(join(dir, "billing"), "utf8")).trim();
    const headers = { "keyturn-agent": "1", accept: "text/plain" };
    expect(await textAt(api, "/v1/identities/billing/token", headers)).toEqual({ status: 200, text: inFile });
    expect(await textAt(api, "/v1/identities/orders/token", headers)).not.toMatchObject({ text: inFile });
    // The issuer answers nobody here who shows no token
    const shown = await textAt(proxy, `/v1/tokens/introspect?token=${inFile}`);
    expect(shown.status).toBe(200);
    expect(JSON.parse(shown.text)).toMatchObject({ active: true, client_id: "dashboard" });
    expect(await textAt(admin, "/readyz")).toMatchObject({ status: 200 });
    const { text: metrics } = await textAt(admin, "/metrics");
    expect(metrics).toContain('keyturn_agent_identities{origin="file"} 2');
    expect(metrics).toContain('keyturn_agent_proxy_requests_total{status="2xx"} 1');
  });

  test("is there again after a restart with what was registered, and with its pairs", async () => {
    const { home, dir, identity } = await newScene();
    const path = await fileOf(dir, { issuer: { url: home.at("/") }, identities: [identity("billing")] });
    const registerDir = join(dir, "registered");
    await mkdir(registerDir, { mode: 0o700 });
    await writeFile(join(registerDir, "secret"), await readFile(join(home.dir, "dashboard")));
    const socket = join(dir, "agent.sock");
    const change = { stateDir: join(dir, "state"), listen: { kind: "unix", path: socket }, registerDir } as const;
    const agent = await openAt(path, change);
    const source = { clientSecret: { clientID: "dashboard", secretFile: join(registerDir, "secret") } };
    const put = (name: string, body: object): Promise<number> =>
      onSocket(socket, ["PUT", `/v1/identities/${name}`], body);
    const sinks = [{ file: { path: join(registerDir, "made/for/it") } }];
    expect(await put("guest", { source, sinks })).toBe(200);
    expect(await put("thief", { source: { tokenFile: "/etc/passwd" } })).toBe(403);
    const before = await agent.identities.find("guest")?.token();
    await agent.close();
    const again = await openAt(path, change);
    expect(again.identities.all().map(({ spec }) => spec.name)).toEqual(["billing", "guest"]);
    expect(await again.identities.find("guest")?.token()).toEqual(before);
    expect(await onSocket(socket, ["DELETE", "/v1/identities/guest"])).toBe(204);
    expect(again.identities.find("guest")).toBeUndefined();
    expect(await readdir(registerDir)).toEqual(["made", "secret"]);
    // What is made and ended in one life leaves no directory either
    expect(await put("guest", { source, sinks: [{ file: { path: join(registerDir, "made/too/it") } }] })).toBe(200);
    // Its places have the token by then
    await again.identities.find("guest")?.refresh();
    expect(await readdir(join(registerDir, "made/too"))).toEqual(["it"]);
    expect(await onSocket(socket, ["DELETE", "/v1/identities/guest"])).toBe(204);
    expect(await readdir(join(registerDir, "made"))).toEqual(["for"]);
  });

  test("follows its file: what is new begins, what is gone ends; a bad one is refused, and said", async () => {
    const { home, dir, identity } = await newScene();
    const issuer = { url: home.at("/") };
    const path = await fileOf(dir, { issuer, identities: [identity("billing"), identity("orders")] });
    let reread = (): void => undefined;
    const { identities, ports } = await openAt(path, { rereadOn: (one) => (reread = one) });
    const before = await identities.find("orders")?.token();
    await fileOf(dir, { issuer, identities: [identity("orders"), identity("shop")] });
    reread();
    const names = (): readonly string[] => identities.all().map(({ spec }) => spec.name);
    await expect.poll(names, { interval: 5 }).toEqual(["orders", "shop"]);
    expect(await identities.find("orders")?.token()).toEqual(before);
    // Ready is who has a token, in its places, too
    await identities.find("shop")?.refresh();
    await fileOf(dir, { issuer, identities: [{ name: "A" }] });
    reread();
    await expect
      .poll(async () => (await textAt(ports.admin, "/readyz")).text)
      .toContain("spec.identities[0].name: must");
    expect(names()).toEqual(["orders", "shop"]);
    expect(await textAt(ports.admin, "/readyz")).toMatchObject({ status: 200 });
  });

  test("has a socket for each identity that has one in its file, and follows it", async () => {
    const { home, dir, identity } = await newScene();
    const issuer = { url: home.at("/") };
    const socket = (name: string) => ({ listen: `unix:${join(dir, `${name}.sock`)}`, identity: name });
    const identities = [identity("billing"), identity("orders")];
    const path = await fileOf(dir, { issuer, identities, sockets: [socket("billing")] });
    let reread = (): void => undefined;
    await openAt(path, { rereadOn: (one) => (reread = one) });
    const asked = (name: string, of: string): Promise<number> =>
      onSocket(join(dir, `${name}.sock`), ["GET", `/v1/identities/${of}/token`]);
    expect([await asked("billing", "billing"), await asked("billing", "orders")]).toEqual([200, 403]);
    await fileOf(dir, { issuer, identities, sockets: [socket("orders")] });
    reread();
    await expect.poll(() => asked("orders", "orders").catch(() => 0), { interval: 5 }).toBe(200);
    await expect(asked("billing", "billing")).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("leaves nothing open where one of its parts can't be opened", async () => {
    const { home, dir, identity } = await newScene();
    const upstream = home.at("/");
    const proxies = ["127.0.0.1:0", `127.0.0.1:${home.ports.api}`].map((listen) => ({
      listen,
      upstream,
      identity: "billing",
    }));
    const path = await fileOf(dir, { issuer: { url: home.at("/") }, identities: [identity("billing")], proxies });
    const stateDir = join(dir, "state");
    await expect(openAt(path, { stateDir })).rejects.toMatchObject({ code: "AddressUnusable" });
    // The lock of the state is free again
    await expect(openAt(path, { stateDir })).rejects.toMatchObject({ code: "AddressUnusable" });
  });

  test("does not begin without a first credential that works, unless it may", async () => {
    const { home, dir, identity } = await newScene();
    const wrong = {
      ...identity("billing"),
      source: { clientSecret: { clientID: "nobody", secretFile: join(home.dir, "dashboard") } },
    };
    const path = await fileOf(dir, { issuer: { url: home.at("/") }, identities: [identity("orders"), wrong] });
    await expect(openAt(path)).rejects.toThrow('Cannot begin with identity "billing"');
    const agent = await openAt(path, { startWithout: true });
    expect((await textAt(agent.ports.admin, "/readyz")).status).toBe(503);
    await expect(agent.identities.find("orders")?.token()).resolves.toBeDefined();
  });
});
