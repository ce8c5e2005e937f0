import { expect, test } from "vitest";
import { freePort } from "../../../hack/free-port.ts";
import { natsBus } from "../../../src/sessions/bus/nats/nats-bus.ts";
import { FakeClock } from "../../support/fake-clock.ts";

test("a bus that is away from the start is said, once, and holds up no end", async () => {
  const clock = new FakeClock();
  const said: boolean[] = [];
  const bus = natsBus({
    servers: [`nats://127.0.0.1:${await freePort()}`],
    prefix: "test.sessions",
    clock,
    observer: { changed: (isConnected) => said.push(isConnected), failed: () => undefined },
  });
  await clock.advance(4999);
  expect(said).toEqual([]);
  await clock.advance(60_000);
  expect(said).toEqual([false]);
  // Resolves when nothing goes on that would keep the process alive
  await bus.close();
});
