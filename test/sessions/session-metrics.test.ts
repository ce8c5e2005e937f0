import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { compileRing } from "../../src/jwt/verifier.ts";
import { endCodes } from "../../src/sessions/core/session-end.ts";
import { SessionMetrics } from "../../src/sessions/session-metrics.ts";
import { SessionService } from "../../src/sessions/session-service.ts";
import { opened } from "../gateway/support/rings.ts";
import { tokenOf } from "../gateway/support/tokens.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { epoch } from "../support/story.ts";
import { rules } from "./core/support/registry.ts";
import { PipedClient } from "./support/pipe.ts";

const message = (id: string) => ({ id, payload: new Uint8Array(10) });
const alice = { subject: "alice", instanceId: "one" };

function measured() {
  const registry = new Registry();
  const clock = new FakeClock(epoch);
  const verifier = compileRing(opened({ generation: 1 }));
  const hub = { isAttached: false };
  const metrics = new SessionMetrics({ registry, prefix: "keyturn_gateway", graceMs: rules.graceMs });
  let count = 0;
  const service = new SessionService({
    ...{ clock, rules, required: {}, chance: () => 0.5, newId: () => `s${++count}`, verifier: () => verifier },
    application: { deliver: () => undefined, tell: () => undefined },
    timings: { helloMs: 5000, heartbeatMs: 600_000 },
    observer: metrics,
  });
  metrics.watch({ service, hub });
  const client = (seconds = 60): PipedClient => {
    const iat = Math.floor(clock.nowMs() / 1000);
    return new PipedClient(service, tokenOf({ nowMs: clock.nowMs(), claims: { iat, exp: iat + seconds } }));
  };
  /** What is not 0, without the prefix. */
  const told = async (): Promise<string[]> =>
    (await registry.metrics())
      .split("\n")
      .filter((line) => !line.startsWith("#") && line !== "" && !line.endsWith(" 0") && !line.includes("_bucket"))
      .map((line) => line.replace("keyturn_gateway_sessions_", ""));
  const bucket = async (le: number): Promise<string | undefined> =>
    new RegExp(`past_expiry_seconds_bucket\\{le="${le}"\\} (\\d+)`).exec(await registry.metrics())?.[1];
  return { registry, clock, service, hub, client, told, bucket };
}

test("SessionMetrics count how sessions begin and end, and show who is there", async () => {
  const { service, hub, client, told } = measured();
  expect(await told()).toEqual([]);
  client().hello();
  const second = client().hello({ sessionId: "s1", received: 0 });
  client().hello(undefined, "two");
  client(0);
  hub.isAttached = true;
  void service.send(alice, message("d1"));
  expect(await told()).toEqual([
    ...['accepted_total{how="anew"} 2', 'accepted_total{how="resumed"} 1'],
    ...['handovers_total{how="resumed",from="session"} 1', 'ended_total{code="Superseded"} 1'],
    ...['refused_total{code="Expired"} 1', "past_expiry_seconds_count 1"],
    ...["open 2", "peers 2", "waiting_bytes 10", "hub_attached 1"],
  ]);
  second.say({ kind: "received", seq: 1 });
  second.lost();
  expect(await told()).toEqual(expect.arrayContaining(["open 1", "peers 2", 'ended_total{code="Lost"} 1']));
});

test("SessionMetrics count who came back, from where, and whether it went on", async () => {
  const { client, told } = measured();
  client().hello();
  client().hello().lost();
  client().hello();
  client().hello({ sessionId: "s3", received: 0 }).lost();
  client().hello({ sessionId: "s4", received: 0 }).lost(true);
  client().hello({ sessionId: "s5", received: 0 });
  expect((await told()).filter((line) => line.startsWith("handovers_total"))).toEqual([
    ...['handovers_total{how="anew",from="session"} 1', 'handovers_total{how="anew",from="away"} 1'],
    ...['handovers_total{how="resumed",from="session"} 1', 'handovers_total{how="resumed",from="away"} 1'],
  ]);
});

test("SessionMetrics count messages by direction and by what became of them", async () => {
  const { service, client, told } = measured();
  const one = client().hello();
  one.say({ kind: "message", message: { seq: 1, ...message("u1") } });
  void service.send(alice, message("d1"));
  one.say({ kind: "received", seq: 1 });
  void service.send({ subject: "bob", instanceId: "one" }, message("d2"));
  for (let n = 0; n <= rules.queueMessages; n++) void service.send(alice, message(`e${n}`));
  expect((await told()).filter((line) => line.startsWith("messages_total"))).toEqual([
    ...[
      'messages_total{direction="in",outcome="delivered"} 1',
      'messages_total{direction="out",outcome="delivered"} 1',
    ],
    ...['messages_total{direction="out",outcome="gone"} 1', 'messages_total{direction="out",outcome="full"} 1'],
  ]);
});

test("SessionMetrics tell how long sessions lived past their token: never, in the grace, or beyond it", async () => {
  const { clock, client, told, bucket } = measured();
  client(30).hello(undefined, "left").lost(true);
  client(30).hello(undefined, "ends");
  await clock.advance(30_000 + rules.graceMs);
  expect([await bucket(0), await bucket(10), await bucket(25)]).toEqual(["1", "1", "2"]);
  expect(await told()).not.toContainEqual(expect.stringContaining("overdue"));
  client(30).hello(undefined, "late");
  clock.freeze(30_000 + rules.graceMs + 1000);
  await clock.advance(0);
  expect(await told()).not.toContainEqual(expect.stringContaining("overdue"));
  client(30).hello(undefined, "overdue");
  clock.freeze(30_000 + rules.graceMs + 1001);
  await clock.advance(0);
  expect([await bucket(25.1), await bucket(30)]).toEqual(["2", "4"]);
  expect(await told()).toContain("overdue_total 1");
});

test("SessionMetrics have a row for each code from the beginning, and no more afterwards", async () => {
  const { registry, client } = measured();
  const rows = async () => (await registry.metrics()).split("\n").filter((line) => !line.startsWith("#")).length;
  const before = await rows();
  for (let n = 0; n < 50; n++) client().hello(undefined, `instance-${n}`);
  expect(await rows()).toBe(before);
  const text = await registry.metrics();
  for (const code of endCodes) expect(text).toContain(`keyturn_gateway_sessions_ended_total{code="${code}"} `);
  expect(text).not.toMatch(/alice|instance-|"s\d/);
});
