import { describe, expect, test } from "vitest";
import { asking, GrpcClient } from "./support/grpc.ts";
import { Home } from "./support/home.ts";
import { tokenOf } from "./support/tokens.ts";

/** Who may be at which endpoint: each is of one identity of one tenant. */
const identities = [
  { sub: "alice", tenant: "red" },
  { sub: "bob", tenant: "red" },
  { sub: "alice", tenant: "blue" },
] as const;
type Identity = (typeof identities)[number];

const owned = [
  { claim: "sub", header: "X-Auth-Subject" },
  { claim: "tenant", header: "X-Auth-Tenant" },
];
type Headers = Readonly<Record<string, string>>;

/** All that an application does where an endpoint is of somebody: it compares. */
const answerOf = ({ sub, tenant }: Identity, headers: Headers): number =>
  headers["x-auth-subject"] === sub && headers["x-auth-tenant"] === tenant ? 200 : 403;

/** What somebody sends who would like to be the endpoint's owner, with a token of his own. */
const sentBy = (token: string, { sub, tenant }: Identity): Headers => ({
  ...{ authorization: `Bearer ${token}`, "x-auth-subject": sub, "x-auth-tenant": tenant },
});

const tokenFor = (claims: object): string => tokenOf({ nowMs: Date.now(), claims });

/** What reaches the application by way of a proxy that asks `/verify`, and writes each owned header of a 200 over what was sent. */
async function byVerify(home: Home, headers: Headers): Promise<Headers> {
  const answer = await fetch(`http://127.0.0.1:${home.ports.front}/verify`, { headers });
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`the gateway said ${answer.status}`);
  const written = owned.map(({ header }) => header.toLowerCase());
  return { ...headers, ...Object.fromEntries(written.map((name) => [name, answer.headers.get(name) ?? "missing"])) };
}

/** The same by Envoy, which does what the answer says. */
async function byEnvoy(home: Home, headers: Headers): Promise<Headers> {
  const client = new GrpcClient(home.ports.grpc ?? 0);
  const { message } = await client.check(asking(...Object.entries(headers).map(([key, value]) => ({ key, value }))));
  const { okResponse } = message ?? {};
  if (okResponse === undefined) throw new Error("the gateway let nobody in");
  // What is empty is not on the wire
  const removed = listOf(okResponse.headersToRemove).map((name) => name.toLowerCase());
  const set = listOf(okResponse.headers).map(
    ({ header: { key = "", value = "" } }) => [key.toLowerCase(), value] as const,
  );
  const kept = Object.entries(headers).filter(([name]) => !removed.includes(name));
  return { ...Object.fromEntries(kept), ...Object.fromEntries(set) };
}

const listOf = <T>(list: readonly T[] | undefined): readonly T[] => list ?? [];

const matrix = identities.flatMap((who) => identities.map((owner) => ({ who, owner })));

describe("the token of one identity at the endpoint of another one", () => {
  test.each([
    ["/verify", byVerify],
    ["ext_authz", byEnvoy],
  ])(
    "is refused by an application that looks at the owned headers, whatever was sent under their names: %s",
    async (_, by) => {
      const home = await Home.make();
      await home.writes({ generation: 5 });
      await home.start({}, true, { owned });
      await home.logs("ready {");
      for (const { who, owner } of matrix) {
        const reached = await by(home, sentBy(tokenFor(who), owner));
        expect([who, owner, answerOf(owner, reached)]).toEqual([who, owner, who === owner ? 200 : 403]);
      }
      // One of no tenant at all is of none
      for (const owner of identities) {
        const reached = await by(home, sentBy(tokenFor({ sub: owner.sub }), owner));
        expect(answerOf(owner, reached)).toBe(403);
      }
    },
  );

  test("gets 403 from a gateway whose scope it lacks: one gateway for each tenant", async () => {
    const tenants = ["red", "blue"] as const;
    const homes = await Promise.all(
      tenants.map(async (tenant) => {
        const home = await Home.make();
        await home.writes({ generation: 5 });
        await home.start({}, true, { owned, required: { scopes: [`tenant:${tenant}`] } });
        await home.logs("ready {");
        return { tenant, home };
      }),
    );
    for (const who of tenants) {
      for (const { tenant, home } of homes) {
        const token = tokenFor({ scope: `read tenant:${who}` });
        expect([who, tenant, await home.verify(token)]).toEqual([who, tenant, who === tenant ? 200 : 403]);
      }
    }
    for (const { home } of homes) {
      expect(await home.verify(tokenFor({ scope: "tenant:redder tenant: tenant" }))).toBe(403);
      expect(await home.verify(tokenFor({}))).toBe(403);
    }
  });

  test("gets 401 from a gateway that it is not meant for: another audience, another issuer", async () => {
    const home = await (await Home.make()).start();
    await home.writes({ generation: 5 });
    await home.logs("ready {");
    const meant = [
      [{}, 200],
      [{ aud: ["other", "api"] }, 200],
      [{ aud: "other" }, 401],
      [{ aud: "api2" }, 401],
      [{ aud: [] }, 401],
      [{ iss: "https://other.example" }, 401],
    ] as const;
    for (const [claims, wanted] of meant)
      expect([claims, await home.verify(tokenFor(claims))]).toEqual([claims, wanted]);
  });
});
