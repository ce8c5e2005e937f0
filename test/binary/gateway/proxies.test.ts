import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ProxyName, proxyNames as proxies } from "./proxy.ts";
import { aMoment, type Token, World } from "./world.ts";

const rotationsWanted = 5;

let world: World;
/** Answers to tokens that were valid when the answer came, by proxy and status. */
const tally = new Map<string, number>();
const lastOf = new Map<string, Token>();

const bearer = ({ token }: Token): readonly string[] => ["authorization", `Bearer ${token}`];
const there = (): readonly ProxyName[] => proxies.filter((name) => !world.missing.has(name));

/** Presents a token to every proxy, again and again, until it ends. */
async function use(token: Token): Promise<void> {
  lastOf.set(token.kid, token);
  while (Date.now() < token.expiresAtMs) {
    for (const name of there()) {
      const { status } = await world.ask(name, "/orders", { headers: bearer(token) });
      if (Date.now() >= token.expiresAtMs) continue;
      const key = `${name} ${status}`;
      tally.set(key, (tally.get(key) ?? 0) + 1);
    }
    await aMoment();
  }
}

/** Tokens all the time, each used to its end. */
async function traffic(until: () => boolean): Promise<void> {
  const used: Promise<void>[] = [];
  while (!until()) {
    used.push(use(await world.mint()));
    for (let moments = 0; moments < 10; moments++) await aMoment();
  }
  await Promise.all(used);
}

beforeAll(async () => {
  world = await World.begin();
  await world.rotateEvery("1s");
  const goal = world.watch.rotations + rotationsWanted;
  await traffic(() => world.watch.rotations >= goal);
  await world.rotateEvery("0s");
}, 180_000);

afterAll(() => world.end());

function needed(name: ProxyName, context: { skip: (why: string) => void }): void {
  const why = world.missing.get(name);
  if (why !== undefined) context.skip(why);
}

/** What reached the application under the owned header's name, or one that CGI and WSGI take for it. */
const subjects = (body: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(JSON.parse(body) as Record<string, string>).filter(([name]) => /^x[-_]auth[-_]subject$/.test(name)),
  );

describe.each(proxies)("%s with the configuration of docs/gateway.md", (name) => {
  test("passed every request with a valid token through the rotations", (context) => {
    needed(name, context);
    const answers = [...tally].filter(([key]) => key.startsWith(name));
    expect(answers.map(([key]) => key)).toEqual([`${name} 200`]);
    expect(answers[0]?.[1]).toBeGreaterThan(100);
    expect(lastOf.size).toBeGreaterThanOrEqual(rotationsWanted);
  });

  test("tells the application who it is, and never what the client claims to be", async (context) => {
    needed(name, context);
    const claimed = ["x-auth-subject", "mallory", "X-Auth-Subject", "mallory"];
    const token = await world.mint({ sub: "jürgen" });
    const { status, body } = await world.ask(name, "/", { headers: [...bearer(token), ...claimed] });
    expect([status, (JSON.parse(body) as Record<string, string>)["x-auth-subject"]]).toEqual([200, "j%C3%BCrgen"]);
  });

  test.for([
    { what: "in a list", claimed: ["connection", "close, X-Auth-Subject"] },
    { what: "alone, in small letters", claimed: ["connection", "x-auth-subject"] },
    { what: "in a second line", claimed: ["connection", "keep-alive", "Connection", "X-Auth-Subject"] },
    { what: "beside its own", claimed: ["connection", "X-AUTH-SUBJECT", "X-Auth-Subject", "mallory"] },
  ])("leaves the application without an owned header for no Connection that names it: $what", async (row, context) => {
    needed(name, context);
    const headers = [...bearer(await world.mint()), ...row.claimed];
    const { status, body } = await world.ask(name, "/", { headers });
    if (status !== 400) expect([status, subjects(body)]).toEqual([200, { "x-auth-subject": "alice" }]);
  });

  test.for(["X_Auth_Subject", "x-auth_subject", "X_auth-subject", "X_AUTH_SUBJECT"])(
    "drops %s, which only looks like an owned header",
    async (claimed, context) => {
      needed(name, context);
      const headers = [...bearer(await world.mint()), claimed, "mallory"];
      const { status, body } = await world.ask(name, "/", { headers });
      expect([status, subjects(body)]).toEqual([200, { "x-auth-subject": "alice" }]);
    },
  );

  test("passes a token of 12 KiB", async (context) => {
    needed(name, context);
    const token = await world.mint({ claims: { long: "x".repeat(9000) } });
    expect(token.token.length).toBeGreaterThan(12 * 1024);
    expect((await world.ask(name, "/orders", { headers: bearer(token) })).status).toBe(200);
  });

  test.for([
    { what: "no token", headers: [] },
    { what: "a token that is none", headers: ["authorization", "Bearer x"] },
    { what: "another scheme", headers: ["authorization", "Basic YTpi"] },
  ])("answers 401 to $what, and says how to ask", async ({ headers }, context) => {
    needed(name, context);
    const answer = await world.ask(name, "/orders", { headers });
    expect([answer.status, answer.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
  });

  test("never lets two Authorization headers pass", async (context) => {
    needed(name, context);
    const token = bearer(await world.mint());
    const { status } = await world.ask(name, "/orders", { headers: [...token, "authorization", "Bearer x"] });
    expect([400, 401]).toContain(status);
  });

  test("passes bodies on, and asks about them without", async (context) => {
    needed(name, context);
    const body = "x".repeat(100_000);
    const headers = [...bearer(await world.mint()), "content-length", String(body.length)];
    expect((await world.ask(name, "/orders", { headers, body })).status).toBe(200);
  });

  test("serves the JWKS", async (context) => {
    needed(name, context);
    const { status, headers, body } = await world.ask(name, "/.well-known/jwks.json");
    // A wait of one second, of which what is left since the gateway's last look is the max-age
    expect([status, headers["cache-control"]]).toEqual([
      200,
      expect.stringMatching(/^(public, max-age=[01]|no-store)$/),
    ]);
    expect(body).toBe((await world.ask("gateway", "/.well-known/jwks.json")).body);
  });

  test("refuses a revoked key's tokens long before they end", async (context) => {
    needed(name, context);
    const token = await world.mint();
    await world.command("revoke", token.kid, "--reason", "a test");
    const asked = async () => (await world.ask(name, "/orders", { headers: bearer(token) })).status;
    let status = await asked();
    while (status === 200 && Date.now() < token.expiresAtMs) {
      await aMoment();
      status = await asked();
    }
    expect(status).toBe(401);
    expect(Date.now()).toBeLessThan(token.expiresAtMs);
    expect((await world.mint()).kid).not.toBe(token.kid);
  });
});

test("envoy over gRPC removes what the client claims to be where the token does not say it", async (context) => {
  needed("envoy over gRPC", context);
  const claimed = ["X-Auth-Scope", "admin", "x-auth-scope", "admin"];
  const headers = [...bearer(await world.mint()), ...claimed];
  const { status, body } = await world.ask("envoy over gRPC", "/", { headers });
  expect([status, body.includes("admin")]).toEqual([200, false]);
});

test("pruned and revoked keys are refused for their kid", async () => {
  await world.watch.until("a pruned key", ({ pruned }) => [...lastOf.keys()].some((kid) => pruned.has(kid)));
  const pruned = [...lastOf.values()].filter(({ kid }) => world.watch.pruned.has(kid));
  // The gateway learns it a moment later than who looks at the directory
  const knows = async (): Promise<boolean> => {
    const { body } = await world.ask("gateway", "/.well-known/jwks.json");
    return !pruned.some(({ kid }) => body.includes(kid));
  };
  while (!(await knows())) await aMoment();
  const before = await world.refusals();
  for (const token of pruned) {
    expect((await world.ask("gateway", "/verify", { headers: bearer(token) })).status).toBe(401);
  }
  const after = await world.refusals();
  const more = (reason: string): number => (after[reason] ?? 0) - (before[reason] ?? 0);
  expect(pruned.length).toBeGreaterThan(0);
  expect(more("KidUnknown") + more("KeyRevoked")).toBe(pruned.length);
  expect(before["KeyRevoked"]).toBeGreaterThan(0);
});

test("SIGTERM ends the gateway in good order, and takes its ack back", async () => {
  // An ack may be on its way
  const acks = (await readdir(join(world.dir, "acks"))).filter((one) => !one.endsWith(".tmp"));
  expect(acks.length).toBe(1);
  const { code, stderr } = await world.gateway.end();
  expect(code).toBe(0);
  expect(stderr).toContain('"msg":"draining"');
  expect(stderr).not.toMatch(/eyJ|"d":/);
  expect(await readdir(join(world.dir, "acks"))).toEqual([]);
});
