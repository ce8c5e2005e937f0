import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fetchPost } from "../../src/client/keep/fetch-post.ts";
import { systemClock } from "../../src/time/clock.ts";
import { type IdentityOptions, keepIdentity } from "../../src/identity/keep-identity.ts";
import type { KeptIdentity } from "../../src/identity/kept-identity.ts";
import { type FirstCredential, oauthIssuer } from "../../src/identity/oauth/oauth-issuer.ts";
import { pairFile } from "../../src/identity/store/pair-file.ts";
import { tempDir } from "../files/temp.ts";
import { claimsOf, hourMs, type IssuerWorld, newIssuerWorld, secret } from "../issuer/api/support/world.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type CuttingProxy, cuttingProxy } from "./support/cutting-proxy.ts";

let world: IssuerWorld;
let proxy: CuttingProxy;
let clock: FakeClock;
const kept: KeptIdentity[] = [];
beforeEach(async () => {
  world = await newIssuerWorld();
  proxy = await cuttingProxy(Number(new URL(await world.api.listen({ host: "127.0.0.1", port: 0 })).port));
  clock = new FakeClock(world.nowMs);
});
afterEach(async () => {
  await Promise.all(kept.splice(0).map((identity) => identity.close()));
  await proxy.close();
  await world[Symbol.asyncDispose]();
});

const post = fetchPost(fetch, systemClock);

const client: FirstCredential = {
  kind: "client",
  clientId: "dashboard",
  secret,
};

interface Begun extends Partial<IdentityOptions> {
  readonly credential?: () => FirstCredential;
  readonly path?: string;
}

/** By the clock of the test, but for requests, which take real time. */
async function begin({ credential = () => client, path, ...more }: Begun = {}): Promise<KeptIdentity> {
  const options = {
    tokenUrl: new URL("/oauth2/token", proxy.origin),
    post,
    scopes: ["read"],
    refreshTtlSeconds: 10 * 3600,
  };
  const issuer = oauthIssuer({
    ...options,
    credential: () => Promise.resolve(credential()),
  });
  const store = path === undefined ? {} : { store: pairFile({ path, purpose: "the test" }) };
  const identity = await keepIdentity({
    issuer,
    clock,
    chance: () => 0,
    ...store,
    ...more,
  });
  kept.push(identity);
  return identity;
}

/** On both sides. */
async function pass(ms: number): Promise<void> {
  world.nowMs += ms;
  await clock.advance(ms);
}

const sidOf = async (identity: KeptIdentity): Promise<unknown> => claimsOf((await identity.token()).accessToken)["sid"];
const renewed = (identity: KeptIdentity, before: string): Promise<unknown> =>
  expect.poll(async () => (await identity.token()).tokenId, { interval: 5 }).not.toBe(before);

describe.each<readonly [string, () => FirstCredential]>([
  ["a client's secret", () => client],
  ["a token of somebody else", () => ({ kind: "token", token: world.foreign() })],
])("an identity with %s", (_, credential) => {
  it("lives through three lives of its token, of one grant", async () => {
    const identity = await begin({ credential });
    const sid = await sidOf(identity);
    for (let life = 0; life < 4; life++) {
      const { tokenId, expiresAtMs } = await identity.token();
      expect(expiresAtMs).toBe(world.nowMs + hourMs);
      await pass(0.8 * hourMs);
      await renewed(identity, tokenId);
      expect(await sidOf(identity)).toBe(sid);
    }
    expect(await world.store.count(world.nowMs)).toBe(1);
    expect(proxy.seen.requests).toBe(5);
  });

  it("has the life of its refresh token that it asks for, through renewals, too", async () => {
    const identity = await begin({ credential });
    for (let life = 0; life < 2; life++) {
      const { accessToken, tokenId } = await identity.token();
      expect(claimsOf(accessToken)["meta"]).toEqual({ refreshTokenTtl: "36000" });
      await pass(0.8 * hourMs);
      await renewed(identity, tokenId);
      const [row] = (await world.store.list({ limit: 2 })).rows;
      expect(row?.grant.expiresAtMs).toBe(world.nowMs + 10 * hourMs);
    }
  });

  it("loses nothing with an answer that is lost, be it asked for again a day later", async () => {
    const identity = await begin({ credential });
    const sid = await sidOf(identity);
    proxy.cut = 1;
    await expect(identity.refresh()).rejects.toMatchObject({
      code: expect.stringMatching(/Unreachable|UND_ERR/) as string,
    });
    expect(proxy.seen.cut).toBe(1);
    world.nowMs += 9 * hourMs;
    await clock.advance(0);
    const { accessToken } = await identity.refresh();
    expect(claimsOf(accessToken)["sid"]).toBe(sid);
    await identity.refresh();
    expect(await world.store.count(world.nowMs)).toBe(1);
  });

  it("begins anew with the first credential when its grant is revoked", async () => {
    const identity = await begin({ credential });
    const sid = await sidOf(identity);
    await world.store.revoke(
      { kind: "grant", id: Buffer.from(String(sid), "base64url") },
      { nowMs: world.nowMs, tokensEndAtMs: world.nowMs + hourMs },
    );
    expect(claimsOf((await identity.refresh()).accessToken)["sid"]).not.toBe(sid);
  });
});

/** A refresh token that somebody else got. */
const handOver = async (): Promise<FirstCredential> => {
  const answer = await fetch(new URL("/oauth2/token", proxy.origin), {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: "dashboard",
      client_secret: secret,
    }),
  });
  const { refresh_token: token } = (await answer.json()) as {
    refresh_token: string;
  };
  return { kind: "refresh", token };
};

describe("an identity by a refresh token that was handed over", () => {
  it("asks again for a lost answer at once, without any proof, and keeps the grant", async () => {
    const first = await handOver();
    const identity = await begin({ credential: () => first });
    const sid = await sidOf(identity);
    proxy.cut = 2;
    await expect(identity.refresh()).rejects.toThrow();
    await expect(identity.refresh()).rejects.toThrow();
    world.nowMs += 20_000;
    expect(claimsOf((await identity.refresh()).accessToken)["sid"]).toBe(sid);
    world.nowMs += 40_000;
    expect(claimsOf((await identity.refresh()).accessToken)["sid"]).toBe(sid);
  });

  it("never shows it a second time, not even when its grant has ended, nor after a restart", async () => {
    const first = await handOver();
    const path = join(await tempDir(), "one.json");
    const identity = await begin({ credential: () => first, path });
    const id = Buffer.from(String(await sidOf(identity)), "base64url");
    await identity.close();
    await world.store.revoke({ kind: "grant", id }, { nowMs: world.nowMs, tokensEndAtMs: world.nowMs + hourMs });
    const again = await begin({ credential: () => first, path });
    const { requests } = proxy.seen;
    await expect(again.refresh()).rejects.toMatchObject({
      code: "CredentialUsed",
    });
    expect(proxy.seen.requests).toBe(requests + 1);
    expect(again.status()).toMatchObject({ trouble: { isFinal: true } });
  });
});

describe("two on one state, by mistake", () => {
  it("renew in turn, many at once, and nothing is lost", async () => {
    const path = join(await tempDir(), "one.json");
    const [one, two] = [await begin({ path }), await begin({ path })];
    const sid = await sidOf(one);
    for (let n = 0; n < 5; n++) {
      world.nowMs += 60_000;
      await Promise.all([one, two, one, two].map((identity) => identity.refresh()));
    }
    for (const identity of [one, two]) expect(claimsOf((await identity.refresh()).accessToken)["sid"]).toBe(sid);
    const whys = world.heard.filter(({ event }) => event === "grant.renew").map(({ why }) => why);
    expect(new Set(whys)).toEqual(new Set(["current"]));
    expect(await world.store.count(world.nowMs)).toBe(1);
  });
});

describe("a proxy in the place of the issuer", () => {
  it.each([
    [502, "<html>Bad Gateway</html>", {}],
    [429, "", { "retry-after": "120" }],
    [200, "<html>Sign in to the Wi-Fi</html>", {}],
    [302, "", { location: "https://elsewhere.example/" }],
  ])("that answers %d %j changes nothing, and is said", async (status, body, headers) => {
    const server = createServer((_, response) => response.writeHead(status, headers).end(body));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const issuer = oauthIssuer({
      tokenUrl: new URL(`http://127.0.0.1:${port}/`),
      post,
      credential: () => Promise.resolve(client),
    });
    const answer = await issuer.ask({ kind: "first" }, new AbortController().signal);
    expect(answer).toMatchObject({
      kind: "away",
      code: status === 200 ? "AnswerUnreadable" : `Status${status}`,
      ...(status === 429 && { retryAfterMs: 120_000 }),
    });
    server.closeAllConnections();
    server.close();
    expect(await issuer.ask({ kind: "first" }, new AbortController().signal)).toMatchObject({
      code: "Unreachable",
      mayBeDone: false,
    });
  });
});

describe("kill -9", () => {
  const program = fileURLToPath(new URL("support/renewing-child.ts", import.meta.url));
  /** A thousand and more: `KEYTURN_KILLS=1000`. */
  const kills = Number(process.env["KEYTURN_KILLS"] ?? 8);

  it.each<readonly [string, () => Promise<FirstCredential>, number]>([
    // Beyond the retry window: what helps then is the proof alone
    ["with proof, however late it comes back", () => Promise.resolve(client), 60_000],
    ["without proof, when it comes back in the retry window", handOver, 5000],
  ])(
    `at any moment of many renewals, ${kills} times, loses no grant: %s`,
    { timeout: 60_000 + kills * 5000 },
    async (...of) => {
      const [, credentialOf, awayMs] = of;
      const [path, credential] = [join(await tempDir(), "one.json"), await credentialOf()];
      const sids = new Set<unknown>();
      for (let n = 0; n < kills; n++) {
        const args = [program, proxy.origin, path, JSON.stringify(credential)];
        const child = spawn(process.execPath, args, {
          stdio: ["ignore", "pipe", "inherit"],
        });
        const exit = once(child, "exit");
        let lines = 0;
        for await (const line of createInterface({ input: child.stdout })) {
          sids.add(claimsOf(line)["sid"]);
          // Not always at the same step: after the word of one renewal the next is under way
          if (++lines === 1 + (n % 5)) setTimeout(() => child.kill("SIGKILL"), (n * 7) % 23);
        }
        expect(await exit).toEqual([null, "SIGKILL"]);
        if (n % 2 === 1) world.nowMs += awayMs;
      }
      const identity = await begin({ path, credential: () => credential });
      sids.add(claimsOf((await identity.refresh()).accessToken)["sid"]);
      expect(sids.size).toBe(1);
      expect(world.heard.filter(({ event }) => event === "grant.reuse")).toEqual([]);
    },
  );
});
