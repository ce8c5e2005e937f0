import { describe, expect, test } from "vitest";
import { kid, pair } from "../../gateway/support/rings.ts";
import { factsOf } from "../../support/keys.ts";
import { active } from "../../support/rings.ts";
import { day, minute, policy } from "../../support/story.ts";
import type { SessionClient } from "./support/clients.ts";
import { Gateway, transports } from "./support/gateway.ts";

const graceMs = 25_000;

interface Terms {
  readonly serverNowUnixMs: number;
  readonly sessionExpiresAtUnixMs: number;
  readonly reconnectBeforeUnixMs: number;
}

async function accepted(gateway: Gateway, token: string) {
  const client = gateway.open(token);
  client.say({ hello: { instanceId: "one" } });
  const { accepted: terms } = await client.next("accepted");
  return { client, terms: terms as unknown as Terms };
}

async function beats(client: SessionClient): Promise<void> {
  client.say({ heartbeat: {} });
  await client.next("heartbeat");
}

/** The session lives until this instant of the gateway's clock, and not a millisecond longer. */
async function endsAt(
  atMs: number,
  { gateway, client }: { readonly gateway: Gateway; readonly client: SessionClient },
) {
  await gateway.clock.advance(atMs - 1 - gateway.clock.nowMs());
  expect(gateway.service.size.open).toBe(1);
  await gateway.clock.advance(1);
  expect(await client.ended).toMatchObject({ code: "Expired" });
}

describe.each(transports)("a session over $name", (transport) => {
  test("of a token of 100 days, longer than a timer of Node.js can be, lives for as long, by its heartbeats", async () => {
    const gateway = await Gateway.serving(transport);
    const lifeMs = 100 * day;
    expect(lifeMs).toBeGreaterThan(2 ** 31);
    const profile = { ...policy.profile, maxTTLMs: lifeMs };
    gateway.showsRing({ change: { signer: active(kid(0), { ...factsOf(pair(0)), profile }) } });
    const expiresAtMs = gateway.clock.nowMs() + lifeMs;
    const { client, terms } = await accepted(gateway, gateway.token(gateway.ending(lifeMs / 1000)));
    // 14 % before the end: half of the jitter
    const reconnectBeforeUnixMs = expiresAtMs - 0.14 * lifeMs;
    expect(terms).toMatchObject({ sessionExpiresAtUnixMs: expiresAtMs, reconnectBeforeUnixMs });
    // A minute at a time, as heartbeats need it, would be 144,000 of them
    for (let n = 0; n < 100; n++) {
      gateway.clock.freeze(day - minute);
      await beats(client);
      for (let nth = 0; nth < 2; nth++) {
        await gateway.clock.advance(minute / 2);
        await beats(client);
      }
    }
    expect(gateway.clock.nowMs()).toBe(expiresAtMs);
    await endsAt(expiresAtMs + graceMs, { gateway, client });
  });

  test.each([
    ["ahead of", minute],
    ["behind", -minute],
  ])("at a gateway whose clock is a minute %s the issuer's goes by the gateway's own", async (_, wrongMs) => {
    const gateway = await Gateway.serving(transport);
    const issuedAt = (gateway.clock.nowMs() - wrongMs) / 1000;
    const { client, terms } = await accepted(gateway, gateway.token({ iat: issuedAt, exp: issuedAt + 600 }));
    const expiresAtMs = (issuedAt + 600) * 1000;
    expect(terms).toMatchObject({ serverNowUnixMs: gateway.clock.nowMs(), sessionExpiresAtUnixMs: expiresAtMs });
    const [leftMs, untilMs] = [600_000 - wrongMs, terms.reconnectBeforeUnixMs - terms.serverNowUnixMs];
    expect(untilMs).toBe(0.86 * leftMs);
    while (gateway.clock.nowMs() < expiresAtMs) {
      await gateway.clock.advance(minute / 2);
      await beats(client);
    }
    await endsAt(expiresAtMs + graceMs, { gateway, client });
  });
});
