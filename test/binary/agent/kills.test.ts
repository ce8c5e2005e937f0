import { randomInt } from "node:crypto";
import { setImmediate as turn, setTimeout as tick } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AgentProgram } from "./agent-program.ts";
import { AgentWorld, sidOf } from "./world.ts";
import type { Moment } from "./way.ts";

/** How often the agent is killed. @default few: this is the way, and not the proof */
const killsWanted = Number(process.env["KEYTURN_KILLS"] ?? 6);
/**
 * So many, of lives so different, that some are due all the time; and each so seldom that its issuer gives it a new refresh token: it does so eight
 * times in 30 s at the most.
 */
const identities = Array.from({ length: 24 }, (_, index) => [`i${index}`, `${4 + (index % 8)}s`] as const);
const names = identities.map(([name]) => name);
const moments: readonly Moment[] = ["came", "answered", "passed"];

let world: AgentWorld;
let agent: AgentProgram;
const killedAt = new Map<Moment, number>();

beforeAll(async () => {
  world = await AgentWorld.begin(names);
  agent = await world.agent("agent", { identities: identities.map((one) => world.identity(...one)) });
});

afterAll(() => world.end());

/** Kills it while one of its renewals is under way: the request has come, the issuer has answered, or the answer is on its way home. */
async function killInRenewal(): Promise<void> {
  const moment = moments[randomInt(moments.length)] ?? "came";
  const passedOver = randomInt(3);
  const reached = Promise.withResolvers<undefined>();
  let seen = 0;
  world.way.onMoment = (one) => {
    if (one === moment && seen++ >= passedOver) reached.resolve(undefined);
  };
  agent.start();
  await reached.promise;
  world.way.onMoment = () => undefined;
  // From the answer to the disk it is some turns
  for (let left = randomInt(40); left > 0; left--) await turn();
  await agent.end("SIGKILL");
  killedAt.set(moment, (killedAt.get(moment) ?? 0) + 1);
}

/** The token in its file, as soon as the gateway takes it. */
async function acceptedToken(name: string): Promise<string> {
  for (;;) {
    const token = await world.inFile(name);
    const { status, subject } = await world.verdictOn(token);
    if (status === 200 && subject === name) return token;
    await tick(10);
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
  for (const name of names) expect([name, sidOf(await acceptedToken(name))]).toEqual([name, sids.get(name)]);
  // One live grant for each, and none that somebody took for stolen
  const grants = (await world.liveGrants()).filter(({ client }) => client !== "gateway");
  expect(new Map(grants.map(({ client, sid }) => [client, sid]))).toEqual(sids);
  expect(grants).toHaveLength(names.length);
  expect(world.issuer.said).not.toMatch(/grant\.reuse|"level":"error"/);
  // Nobody had to show the first credential again
  expect(world.way.asked.filter(({ grantType }) => grantType !== "refresh_token")).toHaveLength(names.length);
  const at = moments.map((moment) => `${killedAt.get(moment) ?? 0} when it ${moment}`).join(", ");
  const renewals = grants.reduce((sum, grant) => sum + grant.renewals, 0);
  const asked = `${world.way.asked.length} requests of tokens, ${renewals} new refresh tokens`;
  console.log(`${killsWanted} kills (${at}), ${asked}, 0 grants lost`);
});
