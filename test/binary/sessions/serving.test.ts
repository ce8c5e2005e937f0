import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SessionClient } from "../../sessions/faces/support/clients.ts";
import { transports } from "../../sessions/faces/support/gateway.ts";
import { SessionWorld } from "./session-world.ts";

let world: SessionWorld;

beforeAll(async () => {
  world = await SessionWorld.begin();
});
afterAll(() => world.end());

/** What it was told at the end, and by the transport. */
async function endOf(client: SessionClient): Promise<Readonly<Record<string, unknown>>> {
  const { closing = {} } = await client.next("closing");
  expect((await client.ended).code).toBe(closing["code"]);
  return closing;
}

const message = (seq: number) => ({ message: { seq, id: `u${seq}`, payload: Buffer.from(`text ${seq}`) } });

/** Once for both, and first: whoever rotates waits for gateways that were killed, too. */
test("sessions over both transports go on through a rotation, and end with the revocation of their key", async () => {
  const subjects = transports.map((transport) => ({ transport, subject: `rotated over ${transport.name}` }));
  /** Each of a newer token than before, and going on where it was. */
  const openAll = (before: readonly { readonly id: string }[] = []) =>
    Promise.all(
      subjects.map(async ({ transport, subject }, nth) => {
        const { token, kid } = await world.mint(subject);
        const id = before[nth]?.id;
        const resume = id === undefined ? undefined : { sessionId: id, received: 0 };
        return { kid, ...(await world.open(transport, token, resume)) };
      }),
    );
  const anotherKid = (kid = "") => world.until(async () => (await world.mint("anybody")).kid !== kid);
  world.application();
  const first = await openAll();
  await world.command("rotate", "--wait", "--timeout=60s");
  await anotherKid(first[0]?.kid);
  for (const { client } of first) {
    client.say(message(1));
    await client.next("received");
  }
  const second = await openAll(first);
  for (const { terms } of second) expect(terms).toMatchObject({ resumed: true, generation: 2, received: 1 });
  for (const { client } of first) expect(await endOf(client)).toMatchObject({ code: "Superseded" });
  const { kid = "" } = second[0] ?? {};
  await world.command("revoke", kid, "--reason=a test", "--wait", "--timeout=60s");
  for (const { client } of second) expect(await endOf(client)).toMatchObject({ code: "Revoked", retry: true });
  await anotherKid(kid);
  for (const { terms } of await openAll(second)) expect(terms).toMatchObject({ resumed: true, generation: 3 });
});

describe.each(transports)("the program serves a session over $name that", (transport) => {
  /** Nobody else's: the other transport has the same world. */
  const subject = (name: string): string => `${name} over ${transport.name}`;

  test("is accepted by the token that was shown, renewed in place, and passes messages on, both ways", async () => {
    const [{ token, expiresAtMs }, sub] = [await world.mint(subject("accepted")), subject("accepted")];
    const application = world.application();
    const { client, terms, id } = await world.open(transport, token);
    expect(terms).toMatchObject({ generation: 1, heartbeatIntervalMs: 15_000, graceMs: 1000, resumed: false });
    expect(terms["sessionExpiresAtUnixMs"]).toBe(expiresAtMs);
    const { serverNowUnixMs: now, reconnectBeforeUnixMs: before } = terms as Readonly<Record<string, number>>;
    expect([now, before, expiresAtMs]).toEqual([now, before, expiresAtMs].toSorted((a = 0, b = 0) => a - b));
    client.say(message(1));
    const peer = { subject: sub, instanceId: "one" };
    expect(await application.next("delivery")).toMatchObject({ peer, seq: 1, id: "u1", redelivered: false });
    expect((await client.next("received"))["received"]).toEqual({ seq: 1 });
    application.say({ send: { peer, id: "d1", payload: Buffer.from("down") } });
    expect((await client.next("message"))["message"]).toMatchObject({ seq: 1, id: "d1" });
    client.say({ received: { seq: 1 } });
    expect(await application.next("sent")).toMatchObject({ peer, id: "d1", outcome: "delivered" });
    const later = await world.mint(sub, 90);
    await world.renew(transport, id, later.token);
    expect((await client.next("renewed"))["renewed"]).toMatchObject({ sessionExpiresAtUnixMs: later.expiresAtMs });
    const told = [...client.texts, ...application.texts].join();
    for (const one of world.tokens) expect(told).not.toContain(one.split(".")[2]);
  });

  test("is closed once its token and the grace have ended, and can't be opened with it any more", async () => {
    const { token, expiresAtMs } = await world.mint(subject("expired"), 2);
    const { client } = await world.open(transport, token);
    expect(await endOf(client)).toMatchObject({ code: "Expired", retry: true });
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAtMs + 1000);
    expect(await endOf(world.connect(transport, token))).toMatchObject({ code: "Expired" });
    expect(await world.metrics()).toMatch(/^keyturn_gateway_sessions_past_expiry_seconds_count [1-9]/m);
  });

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "begins anew after a restart of the gateway (%s): what the application had not taken is sent again",
    async (signal) => {
      const sub = subject(`restarted by ${signal}`);
      const { client, id } = await world.open(transport, (await world.mint(sub)).token);
      client.say(message(1));
      const ended = world.gateway.end(signal);
      if (signal === "SIGTERM") expect(await endOf(client)).toMatchObject({ code: "Draining", retry: true });
      else expect((await client.ended).code).toBeUndefined();
      expect((await ended).code).toBe(signal === "SIGTERM" ? 0 : null);
      await world.startGateway();
      const next = await world.open(transport, (await world.mint(sub)).token, { sessionId: id, received: 0 });
      expect(next.terms).toMatchObject({ resumed: false, generation: 1, received: 0 });
      next.client.say(message(1));
      const application = world.application();
      const peer = { subject: sub, instanceId: "one" };
      expect(await application.next("delivery")).toMatchObject({ peer, seq: 1, id: "u1" });
      expect((await next.client.next("received"))["received"]).toEqual({ seq: 1 });
    },
  );
});

test("the programs have written down what became of sessions, and none of their tokens", () => {
  const said = world.gateway.output.stderr;
  expect(said).toContain('"msg":"session opened"');
  for (const token of world.tokens) expect(said).not.toContain(token.split(".")[2]);
});
