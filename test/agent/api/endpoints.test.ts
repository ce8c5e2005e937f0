import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ChangeNeededError, TryLaterError } from "../../../src/errors/keyturn-error.ts";
import { identitySpec, type MemoryIdentity } from "../support/memory-identities.ts";
import { type Answered, ApiWorld } from "./support/api-world.ts";

const problemOf = ({ status, headers, json }: Answered): readonly unknown[] => {
  expect(headers["content-type"]).toBe("application/problem+json");
  expect(headers["cache-control"]).toBe("no-store");
  expect(json["status"]).toBe(status);
  return [status, json["code"]];
};

function identity(world: ApiWorld, name: string): MemoryIdentity {
  const found = world.identities.find(name);
  if (found) return found;
  throw new Error(`no identity ${name}`);
}

describe("GET /v1/identities/{name}/token", () => {
  test("gives the token with its end, not to be stored", async () => {
    const world = await ApiWorld.open();
    const { accessToken, tokenId } = await identity(world, "a").token();
    world.nowMs += 999;
    const answer = await world.ask("GET /v1/identities/a/token");
    expect([answer.status, answer.headers["content-type"], answer.headers["cache-control"]]).toEqual([
      ...[200, "application/json", "no-store"],
    ]);
    expect(answer.json).toEqual({
      ...{ accessToken, tokenId, tokenType: "Bearer", expiresIn: 3599 },
      expiresAt: "2027-01-15T09:00:00.000Z",
    });
  });

  test("gives it alone to who accepts text/plain, without a line end", async () => {
    const world = await ApiWorld.open();
    const { accessToken } = await identity(world, "a").token();
    const answer = await world.ask("GET /v1/identities/a/token", { headers: { accept: "text/plain" } });
    expect([answer.body, answer.headers["content-type"], answer.headers["cache-control"]]).toEqual([
      ...[accessToken, "text/plain", "no-store"],
    ]);
  });

  test.each(["*/*", "application/json", "text/plain, application/json"])(
    "gives JSON to who accepts %s",
    async (accept) => {
      const world = await ApiWorld.open();
      const answer = await world.ask("GET /v1/identities/a/token", { headers: { accept } });
      expect(answer.headers["content-type"]).toBe("application/json");
    },
  );

  test("takes the newest one each time", async () => {
    const world = await ApiWorld.open();
    await world.ask("GET /v1/identities/a/token");
    const { accessToken } = await identity(world, "a").refresh();
    expect((await world.ask("GET /v1/identities/a/token")).json["accessToken"]).toBe(accessToken);
  });

  test("gives another one than that which was refused", async () => {
    const world = await ApiWorld.open();
    const { tokenId } = await identity(world, "a").token();
    const first = await world.ask(`GET /v1/identities/a/token?refused=${encodeURIComponent(tokenId)}`);
    expect(first.json["tokenId"]).not.toBe(tokenId);
    const second = await world.ask(`GET /v1/identities/a/token?refused=${encodeURIComponent(tokenId)}`);
    expect(second.json["tokenId"]).toBe(first.json["tokenId"]);
    expect(identity(world, "a").asked.filter((one) => one === "renewed")).toHaveLength(2);
  });

  test("says that the refusal stands where there is no other", async () => {
    const world = await ApiWorld.open();
    const { tokenId } = await identity(world, "a").token();
    identity(world, "a").failure = new TryLaterError("Unreachable", "Cannot get a token");
    expect(problemOf(await world.ask(`GET /v1/identities/a/token?refused=${tokenId}`))).toEqual([409, "NoOtherToken"]);
  });

  test("says when to come again while there is none", async () => {
    const world = await ApiWorld.open();
    const a = identity(world, "a");
    a.failure = new TryLaterError("Unreachable", "Cannot get a token: nobody answers");
    a.told = { nextAtMs: world.nowMs + 4001 };
    const answer = await world.ask("GET /v1/identities/a/token");
    expect(problemOf(answer)).toEqual([503, "Unreachable"]);
    expect(answer.headers["retry-after"]).toBe("5");
    expect(answer.json["detail"]).toBe("Cannot get a token: nobody answers");
    a.told = {};
    expect((await world.ask("GET /v1/identities/a/token")).headers["retry-after"]).toBe("1");
  });

  test("says no where the issuer does", async () => {
    const world = await ApiWorld.open();
    identity(world, "a").failure = new ChangeNeededError("unauthorized_client", "Cannot get a token: must be allowed");
    expect(problemOf(await world.ask("GET /v1/identities/a/token"))).toEqual([403, "unauthorized_client"]);
    expect((await world.ask("GET /v1/identities/a")).json).toMatchObject({ trouble: { final: true } });
  });

  test("of one that has just been ended finds nothing", async () => {
    const world = await ApiWorld.open();
    identity(world, "a").end();
    expect(problemOf(await world.ask("GET /v1/identities/a/token"))).toEqual([404, "IdentityUnknown"]);
  });

  test.each(["c", "constructor", "a-", "0"])("there is none of %s", async (name) => {
    const world = await ApiWorld.open();
    expect(problemOf(await world.ask(`GET /v1/identities/${name}/token`))).toEqual([404, "IdentityUnknown"]);
  });

  test("says nothing of a defect but that it is one", async () => {
    const world = await ApiWorld.open();
    Object.defineProperty(identity(world, "a"), "token", { value: () => Promise.reject(new TypeError("a secret")) });
    const answer = await world.ask("GET /v1/identities/a/token");
    expect(problemOf(answer)).toEqual([500, "Defect"]);
    expect(answer.body + world.logged.join()).not.toContain("a secret");
    expect(world.logged.join()).toContain("TypeError");
  });
});

describe("POST /v1/identities/{name}/refresh", () => {
  test("gives a new token, and renews nobody else's", async () => {
    const world = await ApiWorld.open();
    const [before, other] = [await identity(world, "a").token(), await identity(world, "b").token()];
    const answer = await world.ask("POST /v1/identities/a/refresh");
    expect(answer.status).toBe(200);
    expect(answer.json["tokenId"]).not.toBe(before.tokenId);
    expect(await identity(world, "b").token()).toEqual(other);
  });

  test("says why there is none", async () => {
    const world = await ApiWorld.open();
    identity(world, "a").failure = new TryLaterError("Unreachable", "Cannot get a token");
    expect(problemOf(await world.ask("POST /v1/identities/a/refresh"))).toEqual([503, "Unreachable"]);
  });
});

describe("GET /v1/identities", () => {
  test("lists all by name, and nothing secret", async () => {
    const world = await ApiWorld.open();
    const answer = await world.ask("GET /v1/identities");
    expect(answer.json["items"]).toMatchObject([{ name: "a" }, { name: "b" }]);
    for (const secret of await world.secrets()) expect(answer.body).not.toContain(secret);
  });
});

describe("GET /v1/identities/{name}", () => {
  test("shows one that is well", async () => {
    const world = await ApiWorld.open({
      inFile: [identitySpec("a", { sinks: [{ kind: "file", path: "/run/a", format: "token", mode: 0o600 }] })],
    });
    expect((await world.ask("GET /v1/identities/a")).json).toEqual({
      ...{ name: "a", origin: "File", keep: "Always", saved: true, failures: 0 },
      token: { receivedAt: "2027-01-15T08:00:00.000Z", expiresAt: "2027-01-15T09:00:00.000Z" },
      ...{ sinks: [{ kind: "file", path: "/run/a", format: "token" }], sinkProblems: [] },
    });
  });

  test("shows one that is not", async () => {
    const world = await ApiWorld.open({ inFile: [identitySpec("a", { keep: "onUse" })] });
    const a = identity(world, "a");
    a.failure = new TryLaterError("Unreachable", "Cannot get a token");
    a.told = { nextAtMs: world.nowMs + 1000, isSaved: false };
    a.sinkProblems = [{ place: '"/run/a"', message: "must be writable" }];
    expect((await world.ask("GET /v1/identities/a")).json).toMatchObject({
      ...{ keep: "OnUse", saved: false, failures: 1, nextRenewalAt: "2027-01-15T08:00:01.000Z" },
      trouble: { code: "Unreachable", message: "Cannot get a token", final: false, at: "2027-01-15T08:00:00.000Z" },
      sinkProblems: [{ place: '"/run/a"', message: "must be writable" }],
    });
  });
});

describe("PUT and DELETE /v1/identities/{name}", () => {
  const registering = () => ApiWorld.open({ registers: true });
  const bodyFor = (path: string): string => JSON.stringify({ source: { tokenFile: path } });

  test("register and end one", async () => {
    const world = await registering();
    const body = bodyFor(join(world.directory, "token"));
    const put = await world.ask("PUT /v1/identities/c", { body });
    expect([put.status, put.json["origin"]]).toEqual([200, "Registered"]);
    expect((await world.ask("GET /v1/identities/c/token")).status).toBe(200);
    const deleted = await world.ask("DELETE /v1/identities/c");
    expect([deleted.status, deleted.body]).toEqual([204, ""]);
    expect(problemOf(await world.ask("GET /v1/identities/c/token"))).toEqual([404, "IdentityUnknown"]);
    expect(problemOf(await world.ask("DELETE /v1/identities/c"))).toEqual([404, "IdentityUnknown"]);
    expect(world.logged.slice(1)).toEqual(['info registered {"identity":"c"}', 'info unregistered {"identity":"c"}']);
  });

  test("leave those of the file alone", async () => {
    const world = await registering();
    const token = await identity(world, "a").token();
    const body = bodyFor(join(world.directory, "token"));
    expect(problemOf(await world.ask("PUT /v1/identities/a", { body }))).toEqual([409, "NameTaken"]);
    expect(problemOf(await world.ask("DELETE /v1/identities/a"))).toEqual([409, "InFile"]);
    expect(await identity(world, "a").token()).toEqual(token);
  });

  test.each([
    ["", "application/json", [400, "BodyInvalid"]],
    ["[]", "application/json", [400, "BodyInvalid"]],
    ['{"path":"a","path":"b"}', "application/json", [400, "BodyInvalid"]],
    ['{"a":'.repeat(40) + "1" + "}".repeat(40), "application/json", [400, "BodyInvalid"]],
    ["{}", "application/json; charset=utf-8", [400, "InvalidIdentity"]],
    [
      '{"source":{"tokenFile":"token"},"notify":{"command":["/bin/true"]}}',
      "application/json",
      [400, "InvalidIdentity"],
    ],
    ['{"source":{"tokenFile":"token"},"issuer":{"url":"https://a"}}', "application/json", [400, "InvalidIdentity"]],
    ['{"source":{"tokenFile":"../token"}}', "application/json", [403, "RegistrationRefused"]],
    ["{}", "text/plain", [415, "TypeNotAllowed"]],
    ["{}", "application/x-www-form-urlencoded", [415, "TypeNotAllowed"]],
    ["{}", "", [415, "TypeNotAllowed"]],
    [`{"path":"${"x".repeat(65_536)}"}`, "application/json", [413, "BodyTooLarge"]],
  ])("refuse %.40s as %s", async (body, type, expected) => {
    const world = await registering();
    const answer = await world.ask("PUT /v1/identities/c", { body, headers: { "content-type": type } });
    expect(problemOf(answer)).toEqual(expected);
    expect(world.identities.find("c")).toBeUndefined();
  });

  test("are refused where nothing may be registered", async () => {
    const world = await ApiWorld.open();
    const body = bodyFor(join(world.directory, "token"));
    expect(problemOf(await world.ask("PUT /v1/identities/c", { body }))).toEqual([403, "RegisteringOff"]);
    expect(problemOf(await world.ask("DELETE /v1/identities/a"))).toEqual([403, "RegisteringOff"]);
    expect(world.identities.all()).toHaveLength(2);
  });

  test("refuse a file elsewhere, and name it", async () => {
    const world = await registering();
    const answer = await world.ask("PUT /v1/identities/c", { body: bodyFor("/etc/shadow") });
    expect(problemOf(answer)).toEqual([403, "RegistrationRefused"]);
    expect(answer.json["detail"]).toContain('"/etc/shadow" must lie below');
    expect(world.identities.find("c")).toBeUndefined();
  });

  test("say that it can't be kept now", async () => {
    const world = await registering();
    world.identities.register = () => Promise.reject(new TryLaterError("DiskFull", "Cannot write"));
    const body = bodyFor(join(world.directory, "token"));
    expect(problemOf(await world.ask("PUT /v1/identities/c", { body }))).toEqual([503, "DiskFull"]);
  });
});

describe("a socket for one identity", () => {
  test("gives its token, and no other", async () => {
    const world = await ApiWorld.open({ only: "a" });
    expect((await world.ask("GET /v1/identities/a/token")).json["accessToken"]).toBe(
      (await identity(world, "a").token()).accessToken,
    );
    expect((await world.ask("GET /v1/identities")).json["items"]).toMatchObject([{ name: "a" }]);
    expect((await world.ask("GET /v1/identities/a")).status).toBe(200);
    expect((await world.ask("POST /v1/identities/a/refresh")).status).toBe(200);
  });

  test.each(["b", "nobody"])("says no to whatever is asked of %s, there or not", async (name) => {
    const world = await ApiWorld.open({ only: "a", registers: true });
    const asked = [...world.identities.all()].flatMap((one) => one.asked);
    for (const line of ["GET /v1/identities/N/token", "POST /v1/identities/N/refresh", "GET /v1/identities/N"]) {
      expect(problemOf(await world.ask(line.replace("N", name)))).toEqual([403, "OtherIdentity"]);
    }
    for (const method of ["PUT", "DELETE"]) {
      const body = method === "PUT" ? { body: "{}" } : {};
      expect(problemOf(await world.ask(`${method} /v1/identities/${name}`, body))).toEqual([403, "OtherIdentity"]);
    }
    expect([...world.identities.all()].flatMap((one) => one.asked)).toEqual(asked);
  });
});
