import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ask, basic, type IssuerWorld, newIssuerWorld, specWith } from "./support/world.ts";

let world: IssuerWorld;
beforeEach(async () => {
  world = await newIssuerWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

describe("GET /v1/revocations", () => {
  const watch = (authorization: string) => ask(world, "/v1/revocations", { method: "GET", authorization });

  it("is for whoever may watch them, and for nobody else", async () => {
    for (const authorization of [basic(), basic("other"), `Bearer ${world.foreign()}`]) {
      const answer = await watch(authorization);
      expect([answer.status, answer.body["error"], answer.body["code"]]).toEqual([
        403,
        "unauthorized_client",
        "right-missing",
      ]);
    }
    await world.allow(specWith({ client: { allow: { audiences: ["api"], watchRevocations: true } } }));
    expect((await watch(basic())).body).toEqual({ seq: expect.any(Number) as unknown, revocations: [] });
  });
});

describe("a client without a grant type", () => {
  it("gets no token", async () => {
    await world.allow(specWith({ client: { allow: { audiences: ["api"], grantTypes: [] } } }));
    const form = { grant_type: "client_credentials" };
    const answer = await ask(world, "/oauth2/token", { authorization: basic(), form });
    expect([answer.status, answer.body["error"]]).toEqual([400, "unauthorized_client"]);
  });
});
