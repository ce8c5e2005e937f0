import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { basic, claimsOf, type IssuerWorld, newIssuerWorld, secret, specWith } from "./support/world.ts";

let world: IssuerWorld;
let origin: URL;
beforeEach(async () => {
  world = await newIssuerWorld();
  // What these clients compare with their own clock
  world.nowMs = Date.now();
  origin = new URL(await world.api.listen({ host: "127.0.0.1", port: 0 }));
});
afterEach(() => world[Symbol.asyncDispose]());

const exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
// Both mark it as deprecated so that nobody uses it but here: on the loopback
// eslint-disable-next-line @typescript-eslint/no-deprecated
const insecure = { [oauth.allowInsecureRequests]: true };

/** The metadata name the public address; these clients ask here. */
async function server(): Promise<oauth.AuthorizationServer> {
  const answer = await fetch(new URL("/.well-known/oauth-authorization-server", origin));
  const metadata = (await answer.json()) as oauth.AuthorizationServer;
  const here = (url = ""): string => new URL(new URL(url).pathname, origin).href;
  return {
    ...metadata,
    token_endpoint: here(metadata.token_endpoint),
    revocation_endpoint: here(metadata.revocation_endpoint),
    introspection_endpoint: here(metadata.introspection_endpoint),
  };
}

describe("oauth4webapi", () => {
  const client: oauth.Client = { client_id: "dashboard" };
  it.each([
    ["client_secret_basic", oauth.ClientSecretBasic(secret)],
    ["client_secret_post", oauth.ClientSecretPost(secret)],
  ])("with %s gets a pair, renews, introspects and revokes it", async (_, auth) => {
    const as = await server();
    const granted = await oauth.processClientCredentialsResponse(
      as,
      client,
      await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: "read" }, insecure),
    );
    expect(granted.scope).toBe("read");
    const renewed = await oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(as, client, auth, granted.refresh_token ?? "", insecure),
    );
    const refreshToken = renewed.refresh_token ?? "";
    const introspect = async (token: string): Promise<oauth.IntrospectionResponse> =>
      oauth.processIntrospectionResponse(
        as,
        client,
        await oauth.introspectionRequest(as, client, auth, token, insecure),
      );
    expect(await introspect(renewed.access_token)).toMatchObject({
      active: true,
      client_id: "dashboard",
      scope: "read",
    });
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, refreshToken, insecure));
    expect(await introspect(refreshToken)).toEqual({ active: false });
    await expect(
      oauth.processRefreshTokenResponse(
        as,
        client,
        await oauth.refreshTokenGrantRequest(as, client, auth, refreshToken, insecure),
      ),
    ).rejects.toMatchObject({ error: "invalid_grant" });
  });

  it("is told what is wrong as RFC 6749 has it", async () => {
    const as = await server();
    const asked = oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretBasic("wrong"), {}, insecure);
    await expect(oauth.processClientCredentialsResponse(as, client, await asked)).rejects.toMatchObject({
      cause: [{ scheme: "basic" }],
    });
  });
});

describe("openid-client", () => {
  it("exchanges somebody else's token (RFC 8693)", async () => {
    const config = new openid.Configuration({ ...(await server()) }, "dashboard", undefined, openid.None());
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    openid.allowInsecureRequests(config);
    const granted = await openid.genericGrantRequest(config, exchange, {
      subject_token: world.foreign(),
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      audience: "api",
    });
    expect(claimsOf(granted.access_token)).toMatchObject({ sub: "ext:anna", aud: "api" });
    const renewed = await openid.refreshTokenGrant(config, granted.refresh_token ?? "");
    expect(claimsOf(renewed.access_token)["sid"]).toBe(claimsOf(granted.access_token)["sid"]);
  });
});

describe("fetch", () => {
  it("reads revocations as a stream, and goes on after the last that it knows", async () => {
    const follow = async (lastId?: string): Promise<ReadableStreamDefaultReader<string>> => {
      const answer = await fetch(new URL("/v1/revocations", origin), {
        headers: {
          authorization: basic(),
          accept: "text/event-stream",
          ...(lastId && { "last-event-id": lastId }),
        },
      });
      if (answer.body === null) throw new Error("no body");
      return answer.body.pipeThrough(new TextDecoderStream()).getReader();
    };
    const next = async (reader: ReadableStreamDefaultReader<string>): Promise<string> => {
      for (let read = ""; ;) {
        const { value, done } = await reader.read();
        if (done) throw new Error("the stream has ended");
        read += value;
        const event = /id: (\d+)\ndata: (.*)\n\n/.exec(read);
        if (event) return event[1] ?? "";
      }
    };
    await world.allow(specWith({ client: { allow: { audiences: ["api"], watchRevocations: true } } }));
    const first = await follow();
    await world.store.revokeToken("one", { nowMs: world.nowMs, endsAtMs: world.nowMs + 1000 });
    const seq = await next(first);
    await first.cancel();
    await world.store.revokeToken("two", { nowMs: world.nowMs, endsAtMs: world.nowMs + 1000 });
    const second = await follow(seq);
    expect(Number(await next(second))).toBeGreaterThan(Number(seq));
    await second.cancel();
  });
});
