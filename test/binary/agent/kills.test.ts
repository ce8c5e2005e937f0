import { randomInt } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AgentProgram, ShownToken } from "./agent-program.ts";
import { AgentWorld, allow, lifeOf, sidOf } from "./world.ts";
import type { Moment } from "./way.ts";

/** How often the agent is killed. @default few: this is the way, and not the proof */
const killsWanted = Number(process.env["KEYTURN_KILLS"] ?? 6);
const names = ["a", "b", "c", "d"];
const moments: readonly Moment[] = ["came", "answered", "passed"];

let world: AgentWorld;
let agent: AgentProgram;
const killedAt = new Map<Moment, number>();

beforeAll(async () => {
  world = await AgentWorld.begin(names, "1s");
  agent = await world.agent("agent", { identities: names.map((name) => world.identity(name)) });
});

afterAll(() => world.end());

/** Kills it while one of its renewals is under way: the request has come, the issuer has answered, or the answer is on its way home. */
async function killInRenewal(): Promise<void> {
  const moment = moments[randomInt(moments.length)] ?? "came";
  const passedOver = randomInt(names.length);
  const reached = Promise.withResolvers<undefined>();
  let seen = 0;
  world.way.onMoment = (one) => {
    if (one === moment && seen++ >= passedOver) reached.resolve(undefined);
  };
  // Tokens live for a second: each start finds some that are about to end, and renews them
  agent.start();
  await reached.promise;
  world.way.onMoment = () => undefined;
  // From the answer to the disk it is some turns
  for (let left = randomInt(40); left > 0; left--) await turn();
  await agent.end("SIGKILL");
  killedAt.set(moment, (killedAt.get(moment) ?? 0) + 1);
}

/** One that lives long enough to be looked at: the issuer's file was changed a moment ago. */
async function longToken(name: string): Promise<ShownToken> {
  for (;;) {
    // One of the short ones may have ended before it is here
    const token = await agent.refresh(name).catch(() => undefined);
    const { fromMs, toMs } = token ? lifeOf(token.accessToken) : { fromMs: 0, toMs: 0 };
    if (token && toMs - fromMs > 10_000) return token;
  }
}

test(`${killsWanted} kills in the middle of renewals lose no grant`, { timeout: 3_600_000 }, async () => {
  await agent.begin();
  const sids = new Map<string, unknown>();
  for (const name of names) sids.set(name, sidOf(await world.inFile(name)));
  await agent.end("SIGKILL");
  for (let kill = 0; kill < killsWanted; kill++) {
    await killInRenewal();
    if (kill % 100 === 99) console.log(`${kill + 1} kills, ${world.way.asked.length} requests of tokens`);
  }
  await agent.begin();
  await allow(world.dir, names, "20s");
  for (const name of names) {
    const { accessToken, tokenId } = await longToken(name);
    expect(await world.verdictOn(accessToken)).toEqual({ status: 200, tokenId, subject: name });
    expect([name, sidOf(accessToken)]).toEqual([name, sids.get(name)]);
  }
  // One live grant for each, and none that somebody took for stolen
  const grants = (await world.liveGrants()).filter(([client]) => client !== "gateway");
  expect(new Map(grants)).toEqual(sids);
  expect(grants).toHaveLength(names.length);
  expect(world.issuer.said).not.toMatch(/grant\.reuse|"level":"error"/);
  // Nobody had to show the first credential again
  expect(world.way.asked.filter(({ grantType }) => grantType !== "refresh_token")).toHaveLength(names.length);
  const at = moments.map((moment) => `${killedAt.get(moment) ?? 0} when it ${moment}`).join(", ");
  console.log(`${killsWanted} kills (${at}), ${world.way.asked.length} requests of tokens, 0 grants lost`);
});
