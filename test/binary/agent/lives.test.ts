import { join } from "node:path";
import { setTimeout as tick } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../../hack/free-port.ts";
import { LineProcess } from "../support/line-process.ts";
import type { AgentProgram } from "./agent-program.ts";
import { AgentWorld, lifeOf, sidOf, type Verdict } from "./world.ts";

let world: AgentWorld;
let agent: AgentProgram;
let admin: string;
const proxies: Record<string, string> = {};
const children: Child[] = [];

/** A program that was started before any renewal. */
class Child {
  readonly name: string;
  readonly verdicts: Verdict[] = [];
  readonly #process: LineProcess;

  constructor(way: "file" | "loopback" | "proxy", place: string) {
    this.name = way;
    const args = [join(import.meta.dirname, "calling-child.ts"), way, world.gateway, place];
    this.#process = new LineProcess(process.execPath, args, (line) => this.verdicts.push(JSON.parse(line) as Verdict));
  }

  /** Resolves with its first call of which that holds. */
  async called(holds: (verdict: Verdict) => boolean): Promise<Verdict> {
    for (;;) {
      const found = this.verdicts.find(holds);
      if (found) return found;
      if (!this.#process.isRunning) throw new Error(`${this.name} has ended:\n${this.#process.output.stderr}`);
      await tick(10);
    }
  }

  end(): Promise<unknown> {
    return this.#process.end("SIGKILL");
  }
}

beforeAll(async () => {
  world = await AgentWorld.begin(["short", "other", "long"]);
  const specs = await Promise.all(["short", "other", "long"].map((name) => world.proxy(name)));
  for (const [index, name] of ["short", "other", "long"].entries()) proxies[name] = specs[index]?.origin ?? "";
  admin = `127.0.0.1:${await freePort()}`;
  const spec = {
    identities: [world.identity("short", "3s"), world.identity("other", "3s"), world.identity("long", "50s")],
    proxies: specs.map((one) => one.spec),
  };
  agent = await world.agent("agent", spec, `--admin-listen=${admin}`);
  await agent.begin();
  children.push(
    new Child("file", world.path("short.token")),
    new Child("loopback", `${agent.socket}#/v1/identities/short/token`),
    new Child("proxy", proxies["short"] ?? ""),
  );
  await Promise.all(children.map((child) => child.called(() => true)));
});

afterAll(async () => {
  await Promise.all(children.map((child) => child.end()));
  await world.end();
});

const tokenIdsOf = ({ verdicts }: Child): readonly (string | null)[] => [
  ...new Set(verdicts.map(({ tokenId }) => tokenId)),
];

describe("an agent", () => {
  test("gives every call the newest token, by file, loopback and proxy, at once after a renewal", async () => {
    for (let n = 0; n < 3; n++) {
      const { tokenId, accessToken } = await agent.refresh("short");
      expect(await world.callThrough(proxies["short"] ?? "")).toEqual({ status: 200, tokenId, subject: "short" });
      expect(await agent.token("short")).toMatchObject({ tokenId, accessToken });
      expect(await world.inFile("short")).toBe(accessToken);
      // Also to programs that were started before
      await Promise.all(children.map((child) => child.called((verdict) => verdict.tokenId === tokenId)));
    }
  });

  test("renews one identity and touches no other", async () => {
    const before = await agent.token("long");
    const asks = world.way.asksOf("long");
    const short = await agent.token("short");
    expect((await agent.refresh("short")).tokenId).not.toBe(short.tokenId);
    expect(await agent.token("long")).toEqual(before);
    expect(world.way.asksOf("long")).toBe(asks);
    // And each proxy acts as its own identity
    for (const subject of ["short", "other", "long"]) {
      expect(await world.callThrough(proxies[subject] ?? "")).toMatchObject({ status: 200, subject });
    }
  });

  test("lives through more than three lives of its tokens, and nobody is refused, whatever way he takes", async () => {
    const first = await agent.token("short");
    const [other, long] = await Promise.all([agent.token("other"), agent.token("long")]);
    const { fromMs, toMs } = lifeOf(first.accessToken);
    const lastMs = fromMs + 3.5 * (toMs - fromMs);
    let last = first;
    while (lifeOf(last.accessToken).fromMs < lastMs) {
      const verdicts = await Promise.all(
        ["short", "other", "long"].map((name) => world.callThrough(proxies[name] ?? "")),
      );
      expect(verdicts.map(({ status, subject }) => [status, subject])).toEqual([
        [200, "short"],
        [200, "other"],
        [200, "long"],
      ]);
      last = await agent.token("short");
      await tick(25);
    }
    const { tokenId } = last;
    await Promise.all(children.map((child) => child.called((verdict) => verdict.tokenId === tokenId)));
    for (const child of children) {
      expect([child.name, child.verdicts.filter(({ status }) => status !== 200)]).toEqual([child.name, []]);
      expect(tokenIdsOf(child).length).toBeGreaterThan(6);
    }
    // By one grant each, and the token that was good for longer is the same
    expect(sidOf(last.accessToken)).toBe(sidOf(first.accessToken));
    expect(sidOf((await agent.token("other")).accessToken)).toBe(sidOf(other.accessToken));
    expect(await agent.token("long")).toEqual(long);
    // The verdicts are real: a token that has ended is refused
    expect((await world.verdictOn(first.accessToken)).status).toBe(401);
    const clients = (await world.liveGrants()).map(({ client }) => client).filter((client) => client !== "gateway");
    expect(clients.sort()).toEqual(["long", "other", "short"]);
  });
});

describe("a token that is revoked at the issuer", () => {
  test("costs one renewal and one repetition for all who call at once, counted, and no 401", async () => {
    const { accessToken, tokenId } = await agent.token("long");
    await world.keyturn("grants", "revoke", `--token=${tokenId}`, `--dir=${world.path("keys")}`);
    while ((await world.verdictOn(accessToken)).status === 200) await tick(10);
    const asks = world.way.asksOf("long");
    const counted = await renewalsOf("long");
    const calls = Array.from({ length: 20 }, () => world.callThrough(proxies["long"] ?? ""));
    const verdicts = await Promise.all(calls);
    expect(verdicts.map(({ status }) => status)).toEqual(verdicts.map(() => 200));
    expect(new Set(verdicts.map((verdict) => verdict.tokenId)).size).toBe(1);
    expect(verdicts[0]?.tokenId).not.toBe(tokenId);
    expect(world.way.asksOf("long")).toBe(asks + 1);
    expect(await renewalsOf("long")).toBe(counted + 1);
  });
});

/** As the agent's metrics have it. */
async function renewalsOf(identity: string): Promise<number> {
  const text = await (await fetch(`http://${admin}/metrics`)).text();
  const sample = `keyturn_agent_identity_outcomes_total{identity="${identity}",outcome="renewed"} `;
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(sample))
      ?.slice(sample.length),
  );
}
