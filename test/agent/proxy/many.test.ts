import { Agent, get, request as send, type RequestListener } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { openIdentities } from "../../../src/agent/identities/open-identities.ts";
import type { Issued } from "../../../src/identity/pair-issuer.ts";
import { jwtWith } from "../../identity/support/pairs.ts";
import { FakeClock, turn } from "../../support/fake-clock.ts";
import { identitySpec } from "../support/memory-identities.ts";
import { answerTo, proxied, tokenOf } from "./support/proxied.ts";

const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Real keepers, whose issuer takes no other time than the test gives it. */
async function kept(clock: FakeClock) {
  let given = 0;
  const valid = new Set<string>();
  const answers: (() => void)[] = [];
  const issue = (): Issued => {
    given += 1;
    const jti = `shop-${given}`;
    valid.add(jti);
    const issued = { accessToken: jwtWith({ jti }), expiresInSeconds: 3600, refreshToken: `refresh-${given}` };
    return { kind: "issued", issued };
  };
  const issuer = {
    ask: () =>
      given === 0
        ? Promise.resolve(issue())
        : new Promise<Issued>((resolve) => {
            answers.push(() => resolve(issue()));
          }),
    credentialId: () => Promise.resolve("credential"),
  };
  const identities = await openIdentities({
    spec: { identities: [identitySpec("shop")], proxies: [], sockets: [] },
    startWithout: false,
    openSource: () => issuer,
    openSinks: () => [],
    notify: () => Promise.resolve(),
    ...{ clock, chance: () => 0, log },
  });
  onTestFinished(() => identities.close());
  return { identities, valid, answers, given: () => given };
}

const guarding =
  (valid: ReadonlySet<string>): RequestListener =>
  (request, response) => {
    response.writeHead(valid.has(tokenOf(request)) ? 200 : 401).end();
  };

describe("1,000 requests at once", () => {
  async function askAll(url: string): Promise<Map<number, number>> {
    const agent = new Agent({ keepAlive: true, maxSockets: 200 });
    onTestFinished(() => agent.destroy());
    const statuses = new Map<number, number>();
    await Promise.all(
      Array.from({ length: 1000 }, async (_, n) => {
        const message = await answerTo(
          n % 3 === 0 ? send(url, { agent, method: "POST" }).end("body") : get(url, { agent }),
        );
        message.resume();
        statuses.set(message.statusCode ?? 0, (statuses.get(message.statusCode ?? 0) ?? 0) + 1);
      }),
    );
    return statuses;
  }

  test("over a token that was revoked behind the agent's back: one renewal, and no 401", async () => {
    const clock = new FakeClock();
    const { identities, valid, answers, given } = await kept(clock);
    await clock.advance(10_000);
    const { url, answered } = await proxied(guarding(valid), {}, { identities, clock });
    valid.delete("shop-1");
    const all = askAll(url);
    while (answers.length === 0) await turn();
    answers.shift()?.();
    expect(await all).toEqual(new Map([[200, 1000]]));
    expect(given()).toBe(2);
    expect(answered.every(({ refusal }) => refusal === undefined || refusal === "repeated")).toBe(true);
  });

  test("over a token that is about to end: all wait for the one renewal", async () => {
    const clock = new FakeClock();
    const { identities, valid, answers, given } = await kept(clock);
    clock.freeze(3_590_000);
    valid.delete("shop-1");
    const { url, answered } = await proxied(guarding(valid), {}, { identities, clock });
    const all = askAll(url);
    while (answers.length === 0) await turn();
    answers.shift()?.();
    expect(await all).toEqual(new Map([[200, 1000]]));
    expect(given()).toBe(2);
    expect(answered.some(({ refusal }) => refusal !== undefined)).toBe(false);
  });
});
