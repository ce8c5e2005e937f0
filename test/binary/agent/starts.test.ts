import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as tick } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../../hack/free-port.ts";
import { secret } from "../../issuer/api/support/world.ts";
import { mainProgram } from "../issuer/issuer-program.ts";
import { save } from "../support/keyturn.ts";
import { LineProcess } from "../support/line-process.ts";
import { AgentWorld, idOf, sidOf, type Verdict } from "./world.ts";

let world: AgentWorld;

beforeAll(async () => {
  world = await AgentWorld.begin(["wrong", "late", "fresh", "twice", "one", "two", "job"]);
});
afterAll(() => world.end());

const statusOf = (url: string): Promise<number> => fetch(url).then(({ status }) => status);

describe("without a first credential that works", () => {
  const wrong = () => ({
    ...world.identity("wrong"),
    source: { clientSecret: { clientID: "wrong", secretFile: world.path("wrong.secret") } },
  });

  test("no agent starts, and it says why and for whom", async () => {
    await writeFile(world.path("wrong.secret"), "another one");
    const { spec, origin } = await world.proxy("wrong");
    const agent = await world.agent("wrong", { identities: [world.identity("fresh"), wrong()], proxies: [spec] });
    const { code, stderr } = await agent.ends();
    expect(code).toBe(1);
    expect(stderr).toContain('Cannot begin with identity "wrong"');
    await expect(fetch(origin)).rejects.toThrow();
    await expect(world.inFile("wrong")).rejects.toThrow("ENOENT");
  });

  test("nor where the issuer is away", async () => {
    const away = { url: `http://127.0.0.1:${await freePort()}` };
    const agent = await world.agent("away", { issuer: away, identities: [world.identity("late")] });
    const { code, stderr } = await agent.ends();
    expect(code).toBe(1);
    expect(stderr).toContain('Cannot begin with identity "late"');
  });

  test("with --start-without it begins, is not ready, and is once the credential works and the token lies in its file", async () => {
    const admin = `127.0.0.1:${await freePort()}`;
    const specs = { identities: [wrong()] };
    const agent = await world.agent("without", specs, "--start-without", `--admin-listen=${admin}`);
    await agent.begin();
    expect(await statusOf(`http://${admin}/readyz`)).toBe(503);
    await save(world.path("wrong.secret"), secret);
    // By hand: by itself it looks at its credential every half a minute
    const hand = agent.refresh("wrong");
    while ((await statusOf(`http://${admin}/readyz`)) !== 200) await tick(5);
    expect((await world.verdictOn(await world.inFile("wrong"))).status).toBe(200);
    await hand;
    await agent.end();
  });
});

describe("at its start", () => {
  test("an agent renews what is about to end before anybody asks, and leaves alone what is not", async () => {
    const agent = await world.agent("start", {
      identities: [world.identity("late", "2s"), world.identity("fresh", "50s")],
    });
    await agent.begin();
    const [late, fresh] = await Promise.all([world.inFile("late"), world.inFile("fresh")]);
    await agent.end();
    const asks = world.way.asksOf("fresh");
    while ((await world.verdictOn(await world.inFile("late"))).status !== 401) await tick(20);
    await agent.begin();
    const renewed = await world.inFile("late");
    expect(idOf(renewed)).not.toBe(idOf(late));
    expect(sidOf(renewed)).toBe(sidOf(late));
    expect(await world.inFile("fresh")).toBe(fresh);
    expect(world.way.asksOf("fresh")).toBe(asks);
    await agent.end();
  });
});

describe("two agents by mistake on one state directory", () => {
  test("are one: the second ends and names the first, which goes on; and after kill -9 there is no obstacle", async () => {
    const spec = { identities: [world.identity("twice")] };
    const first = await (await world.agent("twice", spec)).begin();
    const flags = [`--config=${world.path("twice.json")}`, `--state-dir=${world.path("twice.state")}`];
    const second = world.program("second.sock", flags);
    const before = await first.token("twice");
    const { code, stderr } = await second.ends();
    expect(code).not.toBe(0);
    expect(stderr).toContain(`process ${first.pid} on`);
    expect(await first.token("twice")).toEqual(before);
    expect((await first.refresh("twice")).tokenId).not.toBe(before.tokenId);
    await first.end("SIGKILL");
    await second.begin();
    expect(sidOf((await second.token("twice")).accessToken)).toBe(sidOf(before.accessToken));
    await second.end();
  });
});

describe("an agent's file", () => {
  test("is read anew on SIGHUP; a bad one is refused and said, and all goes on as before", async () => {
    // Behind a link: the kernel tells of changes beside the link alone
    await mkdir(world.path("elsewhere"));
    await world.save("elsewhere/agent", { identities: [world.identity("one")] });
    await symlink(world.path("elsewhere/agent.json"), world.path("linked.json"));
    const agent = await world.program("linked.sock", [`--config=${world.path("linked.json")}`]).begin();
    const before = await agent.token("one");
    await world.save("elsewhere/agent", { identities: [{ ...world.identity("two"), keep: "Sometimes" }] });
    agent.signal("SIGHUP");
    await agent.says("the one before stays in force");
    expect(agent.said).toContain("spec.identities[0].keep");
    expect(await agent.token("one")).toEqual(before);
    await world.save("elsewhere/agent", { identities: [world.identity("one"), world.identity("two")] });
    agent.signal("SIGHUP");
    await agent.says('"identity":"two"');
    expect((await world.callThrough(world.gateway, await bearer(agent.token("two")))).subject).toBe("two");
    expect(await agent.token("one")).toEqual(before);

    const table = (await world.keyturn("agent", "status", `--socket=${agent.socket}`)).trimEnd().split("\n");
    expect(table[0]).toMatch(/^IDENTITY +KEEP +VALID UNTIL +NEXT RENEWAL +SINKS$/);
    expect(table.map((line) => line.split(" ")[0])).toEqual(["IDENTITY", "one", "two"]);
    expect(Math.max(...table.map((line) => line.length))).toBeLessThanOrEqual(80);
    await agent.end();
  });
});

const bearer = async (token: Promise<{ readonly accessToken: string }>): Promise<{ authorization: string }> => ({
  authorization: `Bearer ${(await token).accessToken}`,
});

describe("keyturn agent exec", () => {
  test("gives its command a token that is never old, passes a signal on, and leaves nothing", async () => {
    const runtime = world.path("runtime");
    await mkdir(runtime, { mode: 0o700 });
    const verdicts: Verdict[] = [];
    const command = [process.execPath, join(import.meta.dirname, "calling-child.ts"), "file", world.gateway];
    const flags = [`--issuer=${world.way.origin}`, "--client-id=job", `--client-secret-file=${world.path("secret")}`];
    const job = new LineProcess(
      "/usr/bin/env",
      [`XDG_RUNTIME_DIR=${runtime}`, `TMPDIR=${runtime}`, process.execPath, mainProgram, "agent", "exec"].concat(
        [...flags, "--access-ttl=3s", "--"],
        command,
      ),
      (line) => verdicts.push(JSON.parse(line) as Verdict),
    );
    while (new Set(verdicts.map(({ tokenId }) => tokenId)).size < 3) {
      if (!job.isRunning) throw new Error(job.output.stderr);
      await tick(20);
    }
    expect(await readdir(runtime)).not.toEqual([]);
    expect(await job.end("SIGTERM")).toMatchObject({ code: 128 + 15 });
    expect(verdicts.filter(({ status, subject }) => status !== 200 || subject !== "job")).toEqual([]);
    expect(await readdir(runtime)).toEqual([]);
  });
});
