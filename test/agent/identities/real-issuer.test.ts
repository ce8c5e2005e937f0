import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IdentitySpec, SourceSpec } from "../../../src/agent/agent-spec.ts";
import type { IdentitiesOptions, OpenIdentities } from "../../../src/agent/identities/identities-options.ts";
import { openSinks } from "../../../src/agent/sinks/open-sinks.ts";
import { openSource } from "../../../src/agent/sources/open-source.ts";
import { TokenConnections } from "../../../src/agent/sources/token-connections.ts";
import { smallFiles } from "../../../src/files/small-files.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { tempDir } from "../../files/temp.ts";
import { type CuttingProxy, cuttingProxy } from "../../identity/support/cutting-proxy.ts";
import { dayMs, minuteMs, secondMs } from "../../identity/support/pairs.ts";
import { claimsOf, hourMs, type IssuerWorld, newIssuerWorld, secret } from "../../issuer/api/support/world.ts";
import { identitySpec } from "../support/memory-identities.ts";
import { AgentScene, specOf } from "./support/agent-scene.ts";

let world: IssuerWorld;
let proxy: CuttingProxy;
let connections: TokenConnections;
let dir: string;
let scene: AgentScene;
const opened = new Set<OpenIdentities>();

beforeEach(async () => {
  world = await newIssuerWorld();
  proxy = await cuttingProxy(Number(new URL(await world.api.listen({ host: "127.0.0.1", port: 0 })).port));
  connections = new TokenConnections({ files: smallFiles, clock: systemClock });
  dir = await tempDir();
  scene = new AgentScene(world.nowMs);
  scene.stateDir = join(dir, "state");
  await writeFile(join(dir, "secret"), secret);
  await writeFile(join(dir, "token"), world.foreign());
});
afterEach(async () => {
  await Promise.all([...opened].map((identities) => identities.close()));
  opened.clear();
  connections.close();
  await proxy.close();
  await world[Symbol.asyncDispose]();
});

/** Real sources, places and disk, on a clock that a test drives; requests take real time. */
async function open(specs: readonly IdentitySpec[], more: Partial<IdentitiesOptions> = {}): Promise<OpenIdentities> {
  const ports = { connections, files: smallFiles, clock: systemClock };
  const identities = await scene.openUnowned(specs, {
    openSource: (spec) => openSource(spec, ports),
    openSinks: (spec) => openSinks(spec, { clock: systemClock, chance: Math.random }),
    ...more,
  });
  opened.add(identities);
  return identities;
}

async function close(identities: OpenIdentities): Promise<void> {
  opened.delete(identities);
  await identities.close();
}

const client = (name: string, more: Partial<IdentitySpec> = {}): IdentitySpec =>
  identitySpec(name, {
    source: { ...at(), kind: "clientSecret", clientId: "dashboard", secretFile: join(dir, "secret") },
    request: { audiences: [], scopes: ["read"], refreshTtlMs: 10 * hourMs },
    sinks: more.keep === "onUse" ? [] : [{ kind: "file", path: join(dir, name), format: "token", mode: 0o600 }],
    ...more,
  });
const foreign = (name: string): IdentitySpec =>
  client(name, { source: { ...at(), kind: "tokenFile", path: join(dir, "token") } });
const at = (): Pick<Extract<SourceSpec, { kind: "tokenFile" }>, "issuer"> => ({
  issuer: { url: new URL(proxy.origin) },
});

/** On both sides; somebody keeps the foreign token fresh. */
async function pass(ms: number): Promise<void> {
  world.nowMs += ms;
  await writeFile(join(dir, "token"), world.foreign());
  await scene.clock.advance(ms);
}

async function tokenOf(identities: OpenIdentities, name: string): Promise<{ id: string; sid: unknown; text: string }> {
  const token = await identities.find(name)?.token();
  const text = token?.accessToken ?? "";
  return { id: token?.tokenId ?? "", sid: claimsOf(text)["sid"], text };
}

const renewed = (identities: OpenIdentities, name: string, before: string): Promise<unknown> =>
  expect.poll(async () => (await tokenOf(identities, name)).id, { interval: 5 }).not.toBe(before);

const inFile = (name: string): Promise<string> => readFile(join(dir, name), "utf8");

/** A refresh token that somebody else got, in a file. */
async function handOver(): Promise<SourceSpec> {
  const answer = await fetch(new URL("/oauth2/token", proxy.origin), {
    method: "POST",
    body: new URLSearchParams({ grant_type: "client_credentials", client_id: "dashboard", client_secret: secret }),
  });
  const { refresh_token: token } = (await answer.json()) as { refresh_token: string };
  await writeFile(join(dir, "refresh"), token);
  return { ...at(), kind: "refreshTokenFile", path: join(dir, "refresh") };
}

describe("many identities of one agent", () => {
  it("live through three lives of their tokens, each by its own grant, and their files have the newest", async () => {
    const identities = await open([client("a"), client("b"), foreign("c")]);
    const names = ["a", "b", "c"];
    const sids = await Promise.all(names.map(async (name) => (await tokenOf(identities, name)).sid));
    expect(new Set(sids).size).toBe(3);
    for (let life = 0; life < 4; life++) {
      const before = await Promise.all(names.map((name) => tokenOf(identities, name)));
      await pass(0.8 * hourMs);
      for (const [n, name] of names.entries()) {
        await renewed(identities, name, before[n]?.id ?? "");
        const { sid, text } = await tokenOf(identities, name);
        expect(sid).toBe(sids[n]);
        expect(claimsOf(text)["exp"]).toBe((world.nowMs + hourMs) / 1000);
        await expect.poll(() => inFile(name), { interval: 5 }).toBe(text);
      }
    }
    expect(await world.store.count(world.nowMs)).toBe(3);
  });

  it("renewing one never touches another one", async () => {
    const identities = await open([client("a"), client("b")]);
    const before = await tokenOf(identities, "b");
    for (let n = 0; n < 3; n++) await identities.find("a")?.refresh();
    expect(await tokenOf(identities, "b")).toEqual(before);
    expect(await inFile("b")).toBe(before.text);
  });
});

describe("the end of an identity", () => {
  it.each([
    ["a client's", client],
    ["a foreign token's", foreign],
  ])("ends its grant at the issuer: %s", async (_, spec) => {
    const identities = await open([]);
    await (await identities.register(spec("a"))).token();
    expect(await world.store.count(world.nowMs)).toBe(1);
    await identities.unregister("a");
    await expect
      .poll(async () => (await world.store.list({ limit: 9 })).rows[0]?.grant.revoked, { interval: 5 })
      .toBeDefined();
    await expect(inFile("a")).rejects.toThrow("ENOENT");
  });

  it("waits for no issuer that is away", async () => {
    const identities = await open([client("a")]);
    proxy.cut = Infinity;
    await identities.apply(specOf([]));
    expect(identities.all()).toEqual([]);
  });
});

describe("at the start", () => {
  it("nothing begins without a credential that works, unless it may; and a mended one heals it soon", async () => {
    await writeFile(join(dir, "secret"), "another one");
    await expect(open([client("a")])).rejects.toMatchObject({ code: expect.stringMatching(/./) as string });
    const identities = await open([client("a")], { startWithout: true });
    await expect(identities.find("a")?.token()).rejects.toThrow("Cannot get a token");
    await writeFile(join(dir, "secret"), secret);
    await scene.clock.advance(31 * secondMs);
    await expect.poll(() => identities.find("a")?.status().token, { interval: 5 }).toBeDefined();
  });

  it("what is about to end is renewed, and what is not is left alone", async () => {
    const first = await open([client("a"), client("b")]);
    await close(first);
    const { requests } = proxy.seen;
    await pass(hourMs / 2);
    const second = await open([client("a"), client("b")]);
    const before = await tokenOf(second, "a");
    expect(proxy.seen.requests).toBe(requests);
    await close(second);
    await pass(hourMs * 0.44);
    const third = await open([client("a")]);
    await renewed(third, "a", before.id);
    expect((await tokenOf(third, "a")).sid).toBe(before.sid);
  });
});

describe("throttle and times", () => {
  it("survive a restart: a token that was refused lately is not renewed again, but by hand it is", async () => {
    let identities = await open([client("a")]);
    // Everybody refuses every token: each one is left alone for longer
    for (let n = 0; n < 4; n++) {
      const { id } = await tokenOf(identities, "a");
      await pass(20 * secondMs);
      expect(await identities.find("a")?.refused(id)).toBeDefined();
    }
    await close(identities);
    identities = await open([client("a")]);
    const { id } = await tokenOf(identities, "a");
    await pass(10 * secondMs);
    const { requests } = proxy.seen;
    expect(await identities.find("a")?.refused(id)).toBeUndefined();
    expect(proxy.seen.requests).toBe(requests);
    expect((await identities.find("a")?.refresh())?.tokenId).not.toBe(id);
  });

  it("are not moved by a renewal that fails", async () => {
    const identities = await open([client("a")]);
    const before = identities.find("a")?.status().token;
    proxy.cut = 1;
    await pass(minuteMs);
    await expect(identities.find("a")?.refresh()).rejects.toThrow("must answer");
    expect(identities.find("a")?.status()).toMatchObject({ token: before, failures: 1 });
    await close(identities);
    const again = await open([client("a")]);
    expect(again.find("a")?.status().token).toEqual(before);
  });
});

describe("an identity that is renewed on use", () => {
  it("sleeps until somebody asks, who waits for the new one; and its refresh token is kept alive", async () => {
    const identities = await open([client("a", { keep: "onUse" })]);
    const { sid, id } = await tokenOf(identities, "a");
    const { requests } = proxy.seen;
    await pass(5 * hourMs);
    expect(proxy.seen.requests).toBe(requests);
    const used = await tokenOf(identities, "a");
    expect(used.id).not.toBe(id);
    for (let n = 0; n < 3; n++) {
      const seen = proxy.seen.requests;
      await pass(8 * hourMs);
      await expect.poll(() => proxy.seen.requests, { interval: 5 }).toBe(seen + 1);
      await expect.poll(() => identities.find("a")?.status().nextAtMs, { interval: 5 }).toBeGreaterThan(world.nowMs);
    }
    expect((await tokenOf(identities, "a")).sid).toBe(sid);
  });
});

describe("a machine that sleeps for a day", () => {
  it.each([
    ["while its refresh token lives: the same grant", 48 * hourMs, true],
    ["beyond its refresh token's life: the first credential", 10 * hourMs, false],
  ])("renews as soon as it wakes, %s", async (_, refreshTtlMs, isSame) => {
    const spec = client("a", { request: { audiences: [], scopes: ["read"], refreshTtlMs } });
    const identities = await open([spec]);
    const { sid, id } = await tokenOf(identities, "a");
    // The process stands still, and with it the clock that nobody can set
    world.nowMs += dayMs;
    scene.clock.setWall(world.nowMs);
    const { text } = await tokenOf(identities, "a");
    expect(claimsOf(text)["exp"]).toBe((world.nowMs + hourMs) / 1000);
    expect(claimsOf(text)["sid"] === sid).toBe(isSame);
    expect(claimsOf(text)["jti"]).not.toBe(id);
    await expect.poll(() => inFile("a"), { interval: 5 }).toBe(text);
  });

  it("also where nobody asks", async () => {
    const identities = await open([client("a")]);
    const { text } = await tokenOf(identities, "a");
    world.nowMs += dayMs;
    scene.clock.setWall(world.nowMs);
    await scene.clock.advance(30 * secondMs);
    await expect.poll(() => inFile("a"), { interval: 5 }).not.toBe(text);
  });
});

describe("a snapshot of the state directory that is restored", () => {
  const snapshot = async (spec: IdentitySpec): Promise<OpenIdentities> => {
    const first = await open([spec]);
    await cp(join(dir, "state", "identities"), join(dir, "snapshot"), { recursive: true });
    for (let n = 0; n < 3; n++) {
      await pass(minuteMs);
      await first.find("a")?.refresh();
    }
    await close(first);
    await rm(join(dir, "state", "identities"), { recursive: true });
    await cp(join(dir, "snapshot"), join(dir, "state", "identities"), { recursive: true });
    return open([spec]);
  };

  it("costs nothing whom the first credential proves: the grant goes on", async () => {
    const identities = await snapshot(client("a"));
    const { sid } = await tokenOf(identities, "a");
    const token = await identities.find("a")?.refresh();
    expect(claimsOf(token?.accessToken ?? "")["sid"]).toBe(sid);
    expect(world.heard.filter(({ event }) => event === "grant.reuse")).toEqual([]);
  });

  it("is taken for theft where nothing proves it, and the agent says what to do", async () => {
    const identities = await snapshot(client("a", { source: await handOver() }));
    await expect(identities.find("a")?.refresh()).rejects.toThrow("hand over another");
    expect(identities.find("a")?.status().trouble).toMatchObject({ code: "CredentialUsed", isFinal: true });
    await handOver();
    await pass(hourMs);
    await expect.poll(() => identities.find("a")?.status().trouble, { interval: 5 }).toBeUndefined();
  });
});
