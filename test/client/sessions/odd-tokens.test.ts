import { expect, test } from "vitest";
import { Gateway } from "../../sessions/faces/support/gateway.ts";
import { Kept, placeOf, transports } from "./support/kept.ts";

test.each(transports)(
  "a token that no header takes is a failure as any other over $name, and is not quoted",
  async (transport) => {
    const gateway = await Gateway.serving(transport);
    let token = "secret\ntoken\u0444";
    const keeper = { get: () => Promise.resolve(token) };
    const kept = new Kept(gateway.clock, { ...placeOf(transport, gateway.port), keeper, instanceId: "one" });
    const { end, afterMs } = await kept.is("waiting");
    expect(JSON.stringify(end)).not.toContain("secret");
    token = gateway.token();
    await gateway.clock.advance(afterMs + 1);
    await kept.is("open");
  },
);
