import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Answer, ask, basic, hourMs, type IssuerWorld, newIssuerWorld, specWith } from "./support/world.ts";

let world: IssuerWorld;
/** The limits' clock stands, too. */
let dateMs = Date.now();
beforeEach(async () => {
  world = await newIssuerWorld({ mostASecond: 20 });
  vi.spyOn(Date, "now").mockImplementation(() => dateMs);
});
afterEach(async () => {
  vi.restoreAllMocks();
  dateMs += hourMs;
  await world[Symbol.asyncDispose]();
});

const form = { grant_type: "client_credentials" };
const asking = (from: string, authorization = basic()): Promise<Answer> =>
  ask(world, "/oauth2/token", { authorization, form, from });
const codeOf = async (answer: Promise<Answer>): Promise<unknown> => {
  const { status, body, headers } = await answer;
  if (status === 429) expect([headers["retry-after"], body["error"]]).toEqual(["1", "temporarily_unavailable"]);
  return status === 200 ? 200 : body["code"];
};
const times = async (count: number, answer: () => Promise<Answer>): Promise<readonly unknown[]> => {
  const codes: unknown[] = [];
  for (let n = 0; n < count; n++) codes.push(await codeOf(answer()));
  return codes;
};
const metadata = (from: string): Promise<Answer> =>
  ask(world, "/.well-known/oauth-authorization-server", { method: "GET", from });

describe("an address", () => {
  it("may ask so often a second, and others as well", async () => {
    expect(await times(21, () => metadata("192.0.2.1"))).toEqual([...Array<number>(20).fill(200), "TooMany"]);
    expect(await codeOf(metadata("192.0.2.2"))).toBe(200);
    dateMs += 1000;
    expect(await codeOf(metadata("192.0.2.1"))).toBe(200);
  });

  it("of IPv6 is a network of 64 bits, and one of IPv4 whichever way it is written", async () => {
    await times(20, () => metadata("2001:db8:0:1::1"));
    expect(await codeOf(metadata("2001:db8:0:1:ffff::2"))).toBe("TooMany");
    expect(await codeOf(metadata("2001:db8:0:2::1"))).toBe(200);
    await times(20, () => metadata("192.0.2.1"));
    expect(await codeOf(metadata("::ffff:192.0.2.1"))).toBe("TooMany");
  });
});

describe("credentials that are no good", () => {
  it.each([
    ["a wrong secret", () => basic("dashboard", "wrong")],
    ["an unknown client", () => basic("nobody")],
    ["a token of nobody", () => `Bearer ${world.foreign({ iss: "https://nobody.example" })}`],
  ])("%s: after a few an address hears no more of any, for a second", async (_, authorization) => {
    const codes = await times(3, () => asking("192.0.2.1", authorization()));
    expect(codes.slice(0, 2)).not.toContain("TooManyFailed");
    expect(codes[2]).toBe("TooManyFailed");
    // Nor is anybody told by that whether they are good
    expect(await codeOf(asking("192.0.2.1"))).toBe("TooManyFailed");
    expect(await codeOf(metadata("192.0.2.1"))).toBe(200);
    expect(await codeOf(asking("192.0.2.2"))).toBe(200);
    dateMs += 1000;
    expect(await codeOf(asking("192.0.2.1"))).toBe(200);
  });

  it("are not those that could not be looked at", async () => {
    const jwksURL = "http://127.0.0.1:1/none";
    await world.allow(specWith({ trust: { jwks: undefined, jwksURL } }));
    const codes = await times(4, () => asking("192.0.2.1", `Bearer ${world.foreign()}`));
    expect(codes).toEqual(["keys", "keys", "keys", "keys"]);
  });
});

describe("a caller", () => {
  const allow = { audiences: ["api"], requestRate: 3 };

  it("has a limit of its own, wherever it asks from, and no other has it", async () => {
    await world.allow(specWith({ client: { allow } }));
    let nth = 1;
    expect(await times(4, () => asking(`192.0.2.${nth++}`))).toEqual([200, 200, 200, "TooManyOfCaller"]);
    expect(await codeOf(asking("192.0.2.1", basic("other")))).toBe(200);
    dateMs += 1000;
    expect(await codeOf(asking("192.0.2.1"))).toBe(200);
  });

  it("is not held up by whoever asks in its name", async () => {
    await world.allow(specWith({ client: { allow } }));
    let nth = 1;
    await times(20, () => asking(`192.0.2.${nth++}`, basic("dashboard", "wrong")));
    expect(await codeOf(asking("192.0.2.100"))).toBe(200);
  });

  it("of another issuer is one subject", async () => {
    const rule = { name: "all", match: { sub: "**" }, subject: "ext:{sub}", allow };
    await world.allow(specWith({ trust: { rules: [rule] } }));
    const revoking = (sub: string): Promise<Answer> =>
      ask(world, "/oauth2/revoke", { authorization: `Bearer ${world.foreign({ sub })}`, form: { token: "x" } });
    expect(await times(4, () => revoking("anna"))).toEqual([200, 200, 200, "TooManyOfCaller"]);
    expect(await codeOf(revoking("berta"))).toBe(200);
  });
});
