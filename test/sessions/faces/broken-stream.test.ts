import { expect, test } from "vitest";
import { turn } from "../../support/fake-clock.ts";
import { overGrpc } from "./support/clients.ts";
import { Gateway } from "./support/gateway.ts";

/** Nothing else happens meanwhile. */
function busy(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

test.each([0, 3, 30])(
  "a gRPC stream that breaks is lost, and has not left, also where each turn takes %d ms",
  async (ms) => {
    const gateway = await Gateway.serving(overGrpc);
    for (let n = 1; n <= 10; n++) {
      const client = gateway.open();
      client.say({ hello: { instanceId: `n${n}` } });
      await client.next("accepted");
      client.cut();
      while (gateway.service.size.open > 0) {
        busy(ms);
        await turn();
      }
      expect(gateway.service.size.peers).toBe(n);
    }
  },
);
