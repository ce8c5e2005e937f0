import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { SessionMetrics } from "../../../src/sessions/session-metrics.ts";
import { transports } from "../faces/support/gateway.ts";
import { FakeNet } from "./support/fake-bus.ts";
import { TestReplica } from "./support/replica.ts";

async function measured(net: FakeNet, id: string) {
  const registry = new Registry();
  const observer = new SessionMetrics({ registry, prefix: "keyturn_gateway", graceMs: 25_000 });
  const replica = await new TestReplica({ id, bus: net.join(), observer }).listen();
  /** Of peers that changed places: what is not 0. */
  const told = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split("\n").flatMap((line) => {
      const [, metric] = /^keyturn_gateway_sessions_((?:handovers|moved)_total.* [1-9]\d*)$/.exec(line) ?? [];
      return metric === undefined ? [] : [metric];
    });
  return { replica, told };
}

test.each(transports)("a peer that goes to another replica over $name is counted at both", async (transport) => {
  const net = new FakeNet();
  const [a, b] = [await measured(net, "a"), await measured(net, "b")];
  const open = async ({ replica }: typeof a, resume?: object): Promise<string> => {
    const client = replica.open(transport);
    client.say({ hello: { instanceId: "one", ...(resume && { resume }) } });
    return String((await client.next("accepted"))["accepted"]?.["sessionId"]);
  };
  const sessionId = await open(a);
  expect([await a.told(), await b.told()]).toEqual([[], []]);
  await open(b, { sessionId, received: 0 });
  expect([await a.told(), await b.told()]).toEqual([
    ["moved_total 1"],
    ['handovers_total{how="resumed",from="replica"} 1'],
  ]);
  await open(b);
  await open(a);
  expect(await a.told()).toEqual(['handovers_total{how="anew",from="replica"} 1', "moved_total 1"]);
  expect(await b.told()).toEqual([
    ...['handovers_total{how="anew",from="session"} 1', 'handovers_total{how="resumed",from="replica"} 1'],
    "moved_total 1",
  ]);
});
