import { setTimeout as tick } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { AgentProgram } from "./agent-program.ts";
import { badGateway, tooMany } from "./way.ts";
import { AgentWorld, idOf, sidOf } from "./world.ts";

let world: AgentWorld;
let agent: AgentProgram;
let proxy: string;

beforeAll(async () => {
  world = await AgentWorld.begin(["sleeper", "outage", "foreign"]);
});
afterEach(() => agent.end());
afterAll(() => world.end());

/** An agent of one identity, with a proxy. Returns its first token. */
async function beginWith(name: string, accessTTL: string): Promise<string> {
  const { spec, origin } = await world.proxy(name);
  proxy = origin;
  agent = await world.agent(name, { identities: [world.identity(name, accessTTL)], proxies: [spec] });
  await agent.begin();
  return world.inFile(name);
}

/** Calls through the proxy until one is answered so, and returns how the calls before it were answered. */
async function callUntil(isSo: (status: number, tokenId: string | null) => boolean): Promise<ReadonlySet<number>> {
  const statuses = new Set<number>();
  for (;;) {
    const { status, tokenId } = await world.callThrough(proxy);
    if (isSo(status, tokenId)) return statuses;
    statuses.add(status);
    await tick(20);
  }
}

const ended = async (token: string): Promise<void> => {
  while ((await world.verdictOn(token)).status !== 401) await tick(20);
};

describe("a process that stands still beyond the life of its token, as on a machine that sleeps", () => {
  test("gives nobody the one that has ended: who called meanwhile has a new one", async () => {
    const first = await beginWith("sleeper", "3s");
    agent.signal("SIGSTOP");
    await ended(first);
    const calls = [world.callThrough(proxy), world.callThrough(proxy)];
    const asked = agent.token("sleeper");
    agent.signal("SIGCONT");
    const { accessToken, tokenId } = await asked;
    expect(tokenId).not.toBe(idOf(first));
    expect((await world.verdictOn(accessToken)).status).toBe(200);
    for (const { status, tokenId: ofCall } of await Promise.all(calls)) {
      expect(status).toBe(200);
      expect(ofCall).not.toBe(idOf(first));
    }
    while ((await world.inFile("sleeper")) === first) await tick(10);
    expect(sidOf(accessToken)).toBe(sidOf(first));
  });
});

describe("an issuer that is away for longer than a token lives", () => {
  test("costs calls a 503 that says when to come again, and no 401; then it goes on with the same grant", async () => {
    const first = await beginWith("outage", "2s");
    await world.issuer.end("SIGKILL");
    expect([...(await callUntil((status) => status === 503))]).not.toContain(401);
    await ended(first);
    const answer = await fetch(proxy);
    expect(await answer.json()).toMatchObject({ code: "IssuerAway" });
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await agent.ask("GET", "/v1/identities/outage")).toMatchObject({ trouble: { final: false } });
    // Whoever reads the file has the old one: it is there, and whole
    expect(sidOf(await world.inFile("outage"))).toBe(sidOf(first));
    world.issuer.start();
    await world.issuer.answers();
    expect([...(await callUntil((status) => status === 200))]).toEqual([503]);
    const { accessToken } = await agent.token("outage");
    expect(sidOf(accessToken)).toBe(sidOf(first));
    expect(
      world.way.asked.filter(({ client, grantType }) => client === "outage" && grantType !== "refresh_token"),
    ).toHaveLength(1);
  });
});

describe("somebody on the way", () => {
  test("who answers 502 in HTML, or 429, is no issuer that says no: it is asked again, not before its Retry-After", async () => {
    const first = await beginWith("foreign", "4s");
    const answers = [badGateway, tooMany(2)];
    world.way.instead = ({ client }) => (client === "foreign" ? answers.shift() : undefined);
    const statuses = await callUntil((status, tokenId) => status === 200 && tokenId !== idOf(first));
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(answers).toEqual([]);
    const asks = world.way.asked.filter(({ client }) => client === "foreign");
    expect(asks.map(({ grantType }) => grantType)).toEqual([
      "client_credentials",
      ...Array.from({ length: 3 }, () => "refresh_token"),
    ]);
    const [, , refused, after] = asks.map(({ atMs }) => atMs);
    expect((after ?? 0) - (refused ?? 0)).toBeGreaterThanOrEqual(2000);
    expect(sidOf((await agent.token("foreign")).accessToken)).toBe(sidOf(first));
    expect(agent.said).not.toContain("<html>");
  });
});
