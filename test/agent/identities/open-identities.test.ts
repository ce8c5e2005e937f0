import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { AgentIdentities } from "../../../src/agent/agent-identities.ts";
import type { IdentitySpec } from "../../../src/agent/agent-spec.ts";
import type { IdentitiesOptions } from "../../../src/agent/identities/identities-options.ts";
import { tempDir } from "../../files/temp.ts";
import { away, denied } from "../../identity/support/story.ts";
import { hourMs, minuteMs, secondMs } from "../../identity/support/pairs.ts";
import { turn } from "../../support/fake-clock.ts";
import { describeAgentIdentities } from "../support/identities-contract.ts";
import { identitySpec } from "../support/memory-identities.ts";
import { AgentScene, specOf } from "./support/agent-scene.ts";

describeAgentIdentities("of an agent", async (inFile) => {
  const scene = new AgentScene();
  const identities = await scene.open(inFile.map((name) => identitySpec(name)));
  return {
    identities,
    spec: (name) => identitySpec(name),
    later: () => scene.clock.advance(2 * secondMs),
    close: () => identities.close(),
  };
});

const withFile = (name: string, more: Partial<IdentitySpec> = {}): IdentitySpec =>
  identitySpec(name, {
    sinks: [{ kind: "file", path: `/run/${name}`, format: "token", mode: 0o600 }],
    notify: { kind: "signal", signal: "SIGHUP", pidFile: "/run/pid" },
    ...more,
  });

const idOf = async (identities: AgentIdentities, name: string): Promise<string | undefined> =>
  (await identities.find(name)?.token())?.tokenId;

const filesIn = async (dir: string): Promise<readonly string[]> =>
  (await readdir(dir, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();

describe("openIdentities", () => {
  it("does not begin where an identity of the file has no token, and leaves nothing running", async () => {
    const scene = new AgentScene();
    scene.issuer.failures.set("b", denied());
    await expect(scene.open([identitySpec("a"), identitySpec("b")])).rejects.toMatchObject({
      code: "revoked",
      message: 'Cannot begin with identity "b": must not be revoked',
    });
    expect(scene.clock.waits).toEqual([]);
  });

  it("does not wait for an issuer that hangs once it is to end", async () => {
    const scene = new AgentScene();
    const held = Promise.withResolvers<undefined>();
    scene.issuer.hold = held.promise;
    const ending = new AbortController();
    const opening = scene.open(
      Array.from({ length: 100 }, (_, n) => identitySpec(`i${n}`)),
      { signal: ending.signal },
    );
    await expect.poll(() => scene.issuer.asked.length).toBe(32);
    ending.abort();
    const isOpen = vi.fn();
    void opening.then(isOpen);
    await expect.poll(() => scene.clock.advance(secondMs).then(() => isOpen.mock.calls.length)).toBe(1);
    const identities = await opening;
    expect(scene.issuer.asked).toHaveLength(32);
    held.resolve(undefined);
    await identities.close();
  });

  it("begins without a token where it may, and goes on trying", async () => {
    const scene = new AgentScene();
    scene.issuer.failures.set("a", away());
    const identities = await scene.open([identitySpec("a")], { startWithout: true });
    await turn();
    expect(identities.find("a")?.status()).toMatchObject({ failures: 1, trouble: { code: "Unreachable" } });
    scene.issuer.failures.clear();
    await scene.clock.advance(secondMs);
    expect(await idOf(identities, "a")).toBe("a-1");
  });

  it("has written every place, and told of it, when it has begun", async () => {
    const scene = new AgentScene();
    await scene.open([withFile("a"), withFile("b")]);
    expect(Object.fromEntries(scene.places.texts)).toEqual({ "/run/a": "a-1", "/run/b": "b-1" });
    expect(scene.told.toSorted()).toEqual(["a", "b"]);
  });

  it("renews each of them by its own time, and never two for one", async () => {
    const scene = new AgentScene();
    const identities = await scene.open([withFile("a"), withFile("b")]);
    await identities.find("a")?.refresh();
    expect(scene.places.texts.get("/run/a")).toBe("a-2");
    expect(scene.issuer.asked).toEqual(["a first", "b first", "a refresh 1"]);
    await scene.clock.advance(48 * minuteMs);
    expect(scene.issuer.asked.slice(3).toSorted()).toEqual(["a refresh 2", "b refresh 1"]);
  });

  it("has one timer for all of them", async () => {
    const scene = new AgentScene();
    await scene.open(Array.from({ length: 100 }, (_, n) => identitySpec(`i${n}`)));
    expect(scene.clock.waits).toHaveLength(1);
  });

  it("finds its pairs again after a restart, and asks nobody", async () => {
    const scene = new AgentScene();
    scene.stateDir = join(await tempDir(), "state");
    const first = await scene.open([withFile("a")]);
    await first.close();
    scene.places.texts.clear();
    const second = await scene.open([withFile("a")]);
    expect(await idOf(second, "a")).toBe("a-1");
    expect(scene.issuer.asked).toEqual(["a first"]);
    // A place that lacks the token is written at the start
    expect(scene.places.texts.get("/run/a")).toBe("a-1");
  });

  it("is refused a directory that another agent has, and names it", async () => {
    const scene = new AgentScene();
    scene.stateDir = await tempDir();
    await scene.open([]);
    await expect(scene.open([])).rejects.toMatchObject({
      code: "Locked",
      message: expect.stringContaining(`process ${process.pid} on `) as string,
    });
  });
});

describe("apply", () => {
  it("leaves alone who is the same: token, place, timer", async () => {
    const scene = new AgentScene();
    const identities = await scene.open([withFile("a")]);
    const before = identities.find("a");
    await identities.apply(specOf([withFile("a"), withFile("b")]));
    expect(identities.find("a")).toBe(before);
    await expect.poll(() => scene.places.written).toEqual(["/run/a a-1", "/run/b b-1"]);
    expect(scene.issuer.asked).toEqual(["a first", "b first"]);
  });

  it.each([false, true])(
    "begins who is another one with the pair that it has, if that is for the same (disk: %j)",
    async (onDisk) => {
      const scene = new AgentScene();
      if (onDisk) scene.stateDir = await tempDir();
      const identities = await scene.open([withFile("a")]);
      const moved = withFile("a", {
        keep: "onUse",
        sinks: [{ kind: "file", path: "/run/new", format: "token", mode: 0o600 }],
      });
      const applying = identities.apply(specOf([moved]));
      await turn();
      // Whoever asks in between waits for it
      expect(await idOf(identities, "a")).toBe("a-1");
      await applying;
      await turn();
      expect(scene.issuer.asked).toEqual(["a first"]);
      expect(Object.fromEntries(scene.places.texts)).toEqual({ "/run/new": "a-1" });
    },
  );

  it("ends the grant of who is for something else, and begins anew", async () => {
    const scene = new AgentScene();
    scene.stateDir = await tempDir();
    const identities = await scene.open([withFile("a")]);
    await identities.apply(specOf([withFile("a", { request: { audiences: ["other"], scopes: [] } })]));
    expect(await idOf(identities, "a")).toBe("a-2");
    expect(scene.issuer.asked).toEqual(["a first", "a revoke 1", "a first"]);
  });

  it("forgets who is there no longer: grant, files, places; and spares a place that another one has by now", async () => {
    const scene = new AgentScene();
    scene.stateDir = await tempDir();
    const identities = await scene.open([withFile("a"), withFile("b"), withFile("c")]);
    await identities.apply(specOf([withFile("c"), withFile("d", { sinks: withFile("b").sinks })]));
    expect(identities.all().map(({ spec }) => spec.name)).toEqual(["c", "d"]);
    expect(await idOf(identities, "d")).toBe("d-1");
    await turn();
    expect(Object.fromEntries(scene.places.texts)).toEqual({ "/run/c": "c-1", "/run/b": "d-1" });
    expect(scene.issuer.asked.filter((line) => line.includes("revoke")).toSorted()).toEqual([
      "a revoke 1",
      "b revoke 1",
    ]);
    expect(await filesIn(scene.stateDir)).toEqual(["identities/c.json", "identities/d.json"]);
  });

  it("lets nobody write late to a place that is another one's by now", async () => {
    const scene = new AgentScene();
    const [ofA, ofB] = [withFile("a"), withFile("b")];
    const identities = await scene.open([ofA, ofB]);
    const held = Promise.withResolvers<undefined>();
    scene.issuer.hold = held.promise;
    const renewed = identities
      .find("b")
      ?.refresh()
      .catch(() => undefined);
    await expect.poll(() => scene.issuer.asked).toContain("b refresh 1");
    const applied = identities.apply(
      specOf([withFile("a", { sinks: ofB.sinks }), withFile("b", { sinks: ofA.sinks })]),
    );
    await expect.poll(() => scene.places.texts.get("/run/b")).toBe("a-1");
    held.resolve(undefined);
    await Promise.all([renewed, applied]);
    await scene.settle(identities);
    expect(Object.fromEntries(scene.places.texts)).toEqual({ "/run/a": "b-2", "/run/b": "a-1" });
  });

  it("spares a place that one has which was registered", async () => {
    const scene = new AgentScene();
    const identities = await scene.open([]);
    await (await identities.register(withFile("guest"))).token();
    await identities.apply(specOf([withFile("a", { sinks: withFile("guest").sinks })]));
    await identities.apply(specOf([]));
    expect(scene.places.texts.has("/run/guest")).toBe(true);
  });

  it("takes over one that was registered, and it is of the file from then on", async () => {
    const scene = new AgentScene();
    scene.stateDir = await tempDir();
    const identities = await scene.open([]);
    const one = await identities.register(withFile("a"));
    await one.token();
    await identities.apply(specOf([withFile("a")]));
    expect(identities.find("a")).toBe(one);
    expect(one.status().origin).toBe("file");
    expect(await filesIn(scene.stateDir)).toEqual(["identities/a.json"]);
  });
});

describe("register and unregister", () => {
  it("refuses a place that another identity has: whoever reads there would act as somebody else", async () => {
    const scene = new AgentScene();
    const identities = await scene.open([withFile("a")]);
    await expect(identities.register(withFile("b", { sinks: withFile("a").sinks }))).rejects.toMatchObject({
      code: "RegistrationRefused",
      message: 'Cannot register the identity: "/run/a" must be written by no other identity',
    });
    expect(identities.find("b")).toBeUndefined();
    expect(Object.fromEntries(scene.places.texts)).toEqual({ "/run/a": "a-1" });
  });

  it("is there again after a restart, with its pair", async () => {
    const scene = new AgentScene();
    scene.stateDir = await tempDir();
    const first = await scene.open([]);
    await (await first.register(withFile("a"))).token();
    await first.close();
    const second = await scene.open([]);
    expect(await idOf(second, "a")).toBe("a-1");
    expect(second.find("a")?.status().origin).toBe("registered");
    expect(scene.issuer.asked).toEqual(["a first"]);
  });

  it("does not keep the agent from its start, where its issuer says no", async () => {
    const scene = new AgentScene();
    scene.stateDir = await tempDir();
    const first = await scene.open([]);
    scene.issuer.failures.set("a", denied());
    await first.register(withFile("a"));
    await first.close();
    const second = await scene.open([withFile("b")]);
    expect(second.find("a")?.status().trouble?.code ?? "revoked").toBe("revoked");
  });

  it("gives way to one of the file, after a restart, too", async () => {
    const scene = new AgentScene();
    scene.stateDir = await tempDir();
    const first = await scene.open([]);
    await (await first.register(withFile("a"))).token();
    await first.close();
    const second = await scene.open([withFile("a")]);
    expect(second.find("a")?.status().origin).toBe("file");
    expect(await filesIn(scene.stateDir)).toEqual(["identities/a.json"]);
    await expect(second.unregister("a")).rejects.toMatchObject({ code: "InFile" });
  });

  it("leaves nothing: no file, no place, no timer, and its grant is ended", async () => {
    const scene = new AgentScene();
    scene.stateDir = await tempDir();
    const identities = await scene.open([]);
    await (await identities.register(withFile("a"))).token();
    expect(await identities.unregister("a")).toBe(true);
    expect(await filesIn(scene.stateDir)).toEqual([]);
    expect(scene.places.texts.size).toBe(0);
    expect(scene.clock.waits).toEqual([]);
    expect(scene.issuer.asked).toEqual(["a first", "a revoke 1"]);
  });

  it.each(["../identities/b", "b.json", "B", ""])("never touches a file for the name %j", async (name) => {
    const scene = new AgentScene();
    scene.stateDir = await tempDir();
    const identities = await scene.open([identitySpec("b")]);
    expect(await identities.unregister(name)).toBe(false);
    expect(await filesIn(scene.stateDir)).toEqual(["identities/b.json"]);
  });
});

describe("ten thousand", () => {
  it.each([
    ["in memory", 10_000, false],
    ["on a disk", 200, true],
  ])("that come and go leave nothing: no timer, no file, no place, no gate; %s (%d)", async (_, count, onDisk) => {
    const scene = new AgentScene();
    if (onDisk) scene.stateDir = await tempDir();
    const identities = await scene.open([]);
    const names = Array.from({ length: count }, (_none, n) => `i${n}`);
    const before = process.getActiveResourcesInfo().length;
    await Promise.all(names.map(async (name) => (await identities.register(withFile(name))).token()));
    expect(identities.all()).toHaveLength(count);
    // One for all of them
    expect(scene.clock.waits.length).toBeLessThanOrEqual(2);
    expect(await Promise.all(names.map((name) => identities.unregister(name)))).not.toContain(false);
    expect(identities.all()).toEqual([]);
    expect(scene.clock.waits).toEqual([]);
    expect(scene.places.texts.size).toBe(0);
    expect(scene.news.filter(({ outcome }) => outcome === "ended")).toHaveLength(count);
    expect(new Set(scene.issuer.asked.filter((line) => line.includes("revoke"))).size).toBe(count);
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before + 1);
    if (scene.stateDir !== undefined) expect(await filesIn(scene.stateDir)).toEqual([]);
  });
});

describe("the lock of a state directory", () => {
  it("keeps out another process, which is named, until that one is killed", async () => {
    const scene = new AgentScene();
    scene.stateDir = await tempDir();
    const program = `
      const { openStateDir } = await import(${JSON.stringify(new URL("../../../src/agent/identities/state-dir.ts", import.meta.url).href)});
      const { systemClock } = await import(${JSON.stringify(new URL("../../../src/time/clock.ts", import.meta.url).href)});
      await openStateDir(${JSON.stringify(scene.stateDir)}, { clock: systemClock, chance: Math.random, log: console });
      console.log("open");
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exit = once(child, "exit");
    await once(child.stdout, "data");
    await expect(scene.open([])).rejects.toMatchObject({
      code: "Locked",
      message: expect.stringContaining(`process ${child.pid ?? 0} on `) as string,
    });
    child.kill("SIGKILL");
    await exit;
    const identities = await scene.open([withFile("a")]);
    expect(await idOf(identities, "a")).toBe("a-1");
  });
});

describe("the places of an identity", () => {
  it("are tried again by themselves where one fails, which is said, and the others have the token", async () => {
    const scene = new AgentScene();
    const both = withFile("a", {
      sinks: ["/run/good", "/run/bad"].map((path) => ({ kind: "file", path, format: "token", mode: 0o600 })),
    });
    scene.places.broken.add("/run/bad");
    const identities = await scene.open([both]);
    expect(scene.places.written).toEqual(["/run/good a-1"]);
    expect(identities.find("a")?.status().sinkProblems).toEqual([
      { place: '"/run/bad"', message: 'Cannot write "/run/bad"' },
    ]);
    await scene.clock.advance(minuteMs);
    await identities.find("a")?.refresh();
    scene.places.broken.clear();
    await scene.clock.advance(61 * secondMs);
    expect(Object.fromEntries(scene.places.texts)).toEqual({ "/run/good": "a-2", "/run/bad": "a-2" });
    expect(identities.find("a")?.status().sinkProblems).toEqual([]);
    // Once for each token, and once more for the place that got it late
    expect(scene.told).toEqual(["a", "a", "a"]);
    expect(scene.issuer.asked).toEqual(["a first", "a refresh 1"]);
  });

  it("are named while the first token is being written, and while one is whose predecessor has ended; else a write is no problem", async () => {
    const scene = new AgentScene();
    let held: Promise<unknown> = Promise.resolve();
    const openSinks: IdentitiesOptions["openSinks"] = (spec) =>
      scene.places.of(spec).map((sink) => ({ ...sink, write: (token) => held.then(() => sink.write(token)) }));
    scene.issuer.failures.set("a", away());
    const identities = await scene.open([withFile("a")], { startWithout: true, openSinks });
    scene.issuer.failures.clear();
    const one = identities.find("a");
    const problems = (): unknown => one?.status().sinkProblems;
    const first = Promise.withResolvers<undefined>();
    held = first.promise;
    const asked = one?.refresh();
    await expect.poll(() => one?.status().token, { interval: 5 }).toBeDefined();
    expect(problems()).toEqual([
      { place: '"/run/a"', message: "Cannot say that there is a token: it is being written" },
    ]);
    first.resolve(undefined);
    await asked;
    expect(problems()).toEqual([]);
    const again = Promise.withResolvers<undefined>();
    held = again.promise;
    await scene.clock.advance(50 * minuteMs);
    await one?.token();
    expect(problems()).toEqual([]);
    await scene.clock.advance(15 * minuteMs);
    expect(problems()).toMatchObject([{ place: '"/run/a"' }]);
    again.resolve(undefined);
    await expect.poll(problems, { interval: 5 }).toEqual([]);
  });

  it("get the newest token alone, where several come while one is being written", async () => {
    const scene = new AgentScene();
    const identities = await scene.open([withFile("a")]);
    const one = identities.find("a");
    scene.places.written.length = 0;
    await Promise.all([one?.refresh(), one?.refresh(), one?.refresh()]);
    expect(scene.places.texts.get("/run/a")).toBe((await one?.token())?.tokenId);
  });
});

describe("an outage", () => {
  it("is told of once for each identity, and counted each time", async () => {
    const scene = new AgentScene();
    const identities = await scene.open([identitySpec("a")]);
    scene.issuer.failures.set("", away());
    await scene.clock.advance(48 * minuteMs + 10 * secondMs);
    expect(identities.find("a")?.status().failures).toBeGreaterThan(2);
    expect(scene.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(scene.news.filter(({ outcome }) => outcome === "away").length).toBeGreaterThan(2);
    expect(JSON.stringify(scene.lines)).not.toContain("xxxxx");
    await scene.clock.advance(hourMs);
  });
});
