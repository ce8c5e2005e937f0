import * as grpc from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { TokenKeeper } from "../../../src/client/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { type Call, json, type Reply, scriptServer, type ScriptServer } from "../../kube/support/script-server.ts";

const clock = new FakeClock();

class Keeper extends TokenKeeper {
  protected override get clock(): FakeClock {
    return clock;
  }
}

interface World {
  readonly keeper: TokenKeeper;
  readonly issuer: ScriptServer;
}

/** An issuer whose nth token is `token-n`. */
async function world(answer?: Reply): Promise<World> {
  let count = 0;
  const give: Reply = (response, call) =>
    json(200, { access_token: `token-${++count}`, token_type: "Bearer", expires_in: 3600 })(response, call);
  const issuer = await scriptServer([answer ?? give]);
  const keeper = new Keeper({
    tokenURL: `${issuer.server}/oauth2/token`,
    credential: { kind: "client", clientId: "orders", secret: "a secret" },
    scopes: ["read"],
  });
  onTestFinished(() => keeper.close());
  return { keeper, issuer };
}

/** A token that was given out a moment ago is not renewed because of a 401. */
async function older(keeper: TokenKeeper): Promise<void> {
  await keeper.get();
  clock.freeze(1000);
}

const bearer = ({ headers }: Call): string | undefined => headers.authorization;
const refuse: Reply = (response) => void response.writeHead(401).end();
const accept: Reply = (response) => void response.end("done");

describe("TokenKeeper", () => {
  test("gives all who ask the one token that it got for its credential", async () => {
    const { keeper, issuer } = await world();
    expect(await Promise.all([keeper.get(), keeper.get(), keeper.get()])).toEqual(Array(3).fill("token-1"));
    expect(issuer.calls.map(({ body }) => body)).toEqual(["grant_type=client_credentials&scope=read"]);
  });

  test("who asks hears that the issuer says no, without the secret", async () => {
    const { keeper } = await world(json(401, { error: "invalid_client" }));
    await expect(keeper.get()).rejects.toMatchObject({ name: "ChangeNeededError" });
    await expect(keeper.get()).rejects.not.toThrow("a secret");
  });

  test("closed, it gives nothing", async () => {
    const { keeper } = await world();
    await keeper.get();
    await keeper.close();
    await expect(keeper.get()).rejects.toThrow();
  });
});

describe("TokenKeeper.refused", () => {
  test("gives another token than the newest after one renewal, and than an older one at once", async () => {
    const { keeper, issuer } = await world();
    await older(keeper);
    expect(await keeper.refused("token-1")).toBe("token-2");
    expect(await keeper.refused("token-1")).toBe("token-2");
    expect(issuer.calls).toHaveLength(2);
  });

  test("gives none where the issuer has none", async () => {
    const { keeper } = await world();
    await older(keeper);
    expect(await keeper.refused("token-1")).toBe("token-2");
    // That one was given out a moment ago
    expect(await keeper.refused("token-2")).toBeUndefined();
  });
});

describe("TokenKeeper.authorized", () => {
  test("puts the token into a request, whatever its headers are, and keeps the others", async () => {
    const { keeper } = await world();
    const service = await scriptServer([accept]);
    const sent = keeper.authorized();
    await sent(service.server, { headers: { "x-a": "1", Authorization: "Bearer old" } });
    await sent(new Request(service.server, { headers: [["x-a", "2"]] }));
    expect(service.calls.map(bearer)).toEqual(["Bearer token-1", "Bearer token-1"]);
    expect(service.calls.map(({ headers }) => headers["x-a"])).toEqual(["1", "2"]);
  });

  test("after a 401 renews once and repeats once, with the same body", async () => {
    const { keeper, issuer } = await world();
    const service = await scriptServer([refuse, accept]);
    await older(keeper);
    const answer = await keeper.authorized()(service.server, { method: "POST", body: "an order" });
    expect([answer.status, await answer.text()]).toEqual([200, "done"]);
    expect(service.calls.map(({ body, headers }) => [body, headers.authorization])).toEqual([
      ["an order", "Bearer token-1"],
      ["an order", "Bearer token-2"],
    ]);
    expect(issuer.calls).toHaveLength(2);
  });

  test("never loops: a second 401 stands", async () => {
    const { keeper, issuer } = await world();
    const service = await scriptServer([refuse]);
    await older(keeper);
    expect((await keeper.authorized()(service.server)).status).toBe(401);
    expect([service.calls.length, issuer.calls.length]).toEqual([2, 2]);
  });

  test("does not repeat a stream, which is read once; the next request has the new token", async () => {
    const { keeper } = await world();
    const service = await scriptServer([refuse, accept]);
    await older(keeper);
    const sent = keeper.authorized();
    const body = new Blob(["an order"]).stream();
    expect((await sent(service.server, { method: "POST", body, duplex: "half" })).status).toBe(401);
    expect((await sent(service.server)).status).toBe(200);
    expect(service.calls.map(bearer)).toEqual(["Bearer token-1", "Bearer token-2"]);
  });
});

describe("TokenKeeper.grpcCredentials", () => {
  const metadataOf = ({ keeper }: World): Promise<grpc.Metadata> =>
    keeper.grpcCredentials(grpc).generateMetadata({ method_name: "Get", service_url: "https://a.example/b" });

  test("gives each call of grpc-js the token", async () => {
    expect((await metadataOf(await world())).get("authorization")).toEqual(["Bearer token-1"]);
  });

  test("fails a call where there is no token", async () => {
    await expect(metadataOf(await world(json(401, { error: "invalid_client" })))).rejects.toThrow("Cannot get a token");
  });
});
