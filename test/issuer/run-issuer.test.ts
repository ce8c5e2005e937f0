import { readdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { freePort } from "../../hack/free-port.ts";
import { RevokedSet } from "../../src/jwt/revoked-set.ts";
import { systemClock } from "../../src/time/clock.ts";
import { RawClient } from "../http/support/serve.ts";
import { kid } from "../gateway/support/rings.ts";
import { basic, claimsOf, specWith, textIn } from "./api/support/world.ts";
import { IssuerHome } from "./support/issuer-home.ts";
import { fileWith } from "./support/token-issuers.ts";

describe("runIssuer on a directory", () => {
  test("gives out a pair and renews it, counts both, and says so in its log without a token", async () => {
    const home = await IssuerHome.make();
    await home.writes({ generation: 5 });
    await home.start();
    await home.log.heard("} ready");
    const first = await home.pair({ scope: "read" });
    expect(first).toMatchObject({ status: 200, body: { token_type: "Bearer", scope: "read" } });
    const renewed = await home.renew(textIn(first, "refresh_token"));
    expect(claimsOf(textIn(renewed, "access_token"))).toMatchObject({
      iss: "https://issuer.example",
      client_id: "dashboard",
      sid: claimsOf(textIn(first, "access_token"))["sid"],
    });
    const [, metrics] = await home.text("/metrics");
    expect(metrics).toContain('keyturn_issuer_issued_total{kind="grant"} 1');
    expect(metrics).toContain('keyturn_issuer_renewals_total{outcome="current"} 1');
    expect(metrics).toContain('keyturn_issuer_requests_total{route="/oauth2/token",status="200",code="ok"} 2');
    expect(metrics).toContain("keyturn_issuer_grants 0");
    expect(metrics).toContain("keyturn_issuer_store_open 1");
    expect(metrics).toContain("keyturn_issuer_ring_generation 5");
    expect(await home.text("/readyz")).toEqual([200, expect.stringMatching(/^\[\+\]/)]);
    const log = home.log.lines.join("\n");
    expect(log).toContain('info {"event":"grant.begin"');
    expect(log).toContain('debug {"event":"grant.renew"');
    for (const name of ["access_token", "refresh_token"]) {
      for (const pair of [first, renewed]) expect(log).not.toContain(textIn(pair, name));
    }
  });

  test("says that no key may sign while there is no ring, and signs as soon as there is one", async () => {
    const home = await (await IssuerHome.make()).start();
    expect(await home.text("/readyz")).toEqual([503, expect.stringContaining("no ring yet")]);
    expect(await home.text("/livez")).toEqual([200, expect.anything()]);
    expect(await home.pair()).toMatchObject({
      status: 503,
      body: { code: "NoSigner" },
      headers: { "retry-after": "1" },
    });
    await home.writes({ generation: 5 });
    await home.log.heard("} ready");
    expect((await home.pair()).status).toBe(200);
    expect((await home.text("/.well-known/jwks.json", "api"))[1]).toContain(kid(0));
  });

  test("says with which algorithms its keys sign, for as long as its keys may be kept", async () => {
    const home = await (await IssuerHome.make()).start();
    await home.writes({ generation: 5 });
    await home.log.heard("} ready");
    const keys = await fetch(home.at("/.well-known/jwks.json"));
    for (const name of ["openid-configuration", "oauth-authorization-server"]) {
      const answer = await fetch(home.at(`/.well-known/${name}`));
      expect(await answer.json()).toMatchObject({
        id_token_signing_alg_values_supported: ["ES256"],
        subject_types_supported: ["public"],
      });
      expect(answer.headers.get("cache-control")).toBe(keys.headers.get("cache-control"));
    }
    expect(keys.headers.get("cache-control")).toMatch(/^public, max-age=\d+$/);
  });

  test.each([
    ["alone keeps no ended grant in memory, of which there may be a million", undefined, 1],
    ["that shares what is revoked keeps everything", new RevokedSet(), 2],
  ])("%s", async (_, revoked, kept) => {
    const home = await IssuerHome.make();
    await home.writes({ generation: 5 });
    await home.start({ ...(revoked && { revoked }) });
    await home.log.heard("} ready");
    const pair = await home.pair();
    await home.form("/oauth2/revoke", { token: textIn(pair, "refresh_token") });
    const { status, body } = await home.form("/oauth2/introspect", { token: textIn(pair, "access_token") });
    expect([status, body]).toEqual([200, { active: false }]);
    await home.form("/oauth2/revoke", { token: textIn(await home.pair(), "access_token") });
    await expect.poll(async () => (await home.text("/metrics"))[1]).toContain(`keyturn_issuer_revocations ${kept}\n`);
  });

  test("answers on a Unix socket, where nobody has an address", async () => {
    const home = await IssuerHome.make();
    await home.writes({ generation: 5 });
    const path = join(home.dir, "issuer.sock");
    await home.start({ listen: { kind: "unix", path }, mostASecond: 2 });
    await home.log.heard("} ready");
    const asking = async (): Promise<number | undefined> => {
      const [answer] = (await once(get({ socketPath: path, path: "/.well-known/jwks.json" }), "response")) as [
        IncomingMessage,
      ];
      answer.resume();
      return answer.statusCode;
    };
    expect([await asking(), await asking(), await asking()]).toEqual([200, 200, 429]);
  });

  test("says in its own form what is wrong with what never becomes a request", async () => {
    const home = await (await IssuerHome.make()).start();
    const answerTo = async (sent: string): Promise<string> => (await RawClient.to(home.ports.api)).write(sent).ended;
    const tooLong = `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(40_000)}\r\n\r\n`;
    for (const [sent, status, code] of [
      ["\u0016\u0003\u0001\r\n\r\n", 400, "HttpInvalid"],
      [tooLong, 431, "HeaderTooLarge"],
    ] as const) {
      const [head = "", body = ""] = (await answerTo(sent)).split("\r\n\r\n");
      expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*application/json`));
      expect(JSON.parse(body)).toMatchObject({ error: "invalid_request", code });
    }
  });

  test("acknowledges the ring, and takes its ack back when it ends", async () => {
    const home = await IssuerHome.make();
    await home.writes({ generation: 5 });
    await home.start();
    await home.log.heard("} ready");
    expect(await readdir(join(home.dir, "acks"))).toEqual(["one.json"]);
    home.stop.abort();
    await home.ended;
    expect(await readdir(join(home.dir, "acks"))).toEqual([]);
    await expect(home.pair()).rejects.toThrow("fetch failed");
  });
});

/** Never looks again by itself: what is seen then is seen because somebody said so. */
const patient = {
  ...systemClock,
  after: (ms: number, act: () => void) => systemClock.after(ms >= 10_000 ? 1e9 : ms, act),
};

describe("the TokenIssuer file of a running issuer", () => {
  test("that went bad is told in readyz and metrics, and the one before stays in force", async () => {
    const home = await IssuerHome.make();
    await home.writes({ generation: 5 });
    await home.start();
    await home.log.heard("} ready");
    await home.allow({ ...fileWith(specWith()), kind: "TokenIssuer", spec: { clients: 1 } });
    await home.log.heard("the one before stays in force");
    const [status, readyz] = await home.text("/readyz");
    expect([status, readyz]).toEqual([200, expect.stringMatching(/^\[!\]TokenIssuer: .*clients/)]);
    expect((await home.text("/metrics"))[1]).toContain("keyturn_issuer_file_refused 1");
    expect((await home.pair()).status).toBe(200);
    const before = home.log.lines.length;
    await home.allow();
    await home.log.heard("is the one in force again", before);
    expect((await home.text("/readyz"))[1]).not.toContain("TokenIssuer");
    expect((await home.text("/metrics"))[1]).toContain("keyturn_issuer_file_refused 0");
  });

  test("is read again at once when that is asked for, with its secrets", async () => {
    const home = await IssuerHome.make();
    // A file elsewhere: no watch tells of it
    const elsewhere = await IssuerHome.make();
    await home.writes({ generation: 5 });
    await rename(join(home.dir, "dashboard"), join(elsewhere.dir, "secret"));
    await symlink(join(elsewhere.dir, "secret"), join(home.dir, "dashboard"));
    await home.start({ clock: patient, store: `sqlite:${join(elsewhere.dir, "grants.db")}` });
    await home.log.heard("} ready");
    const another = "another secret, as long as it must be";
    await writeFile(join(elsewhere.dir, "secret"), another);
    expect((await home.pair()).status).toBe(200);
    const before = home.log.lines.length;
    home.reread();
    await home.log.heard("is in force", before);
    expect((await home.pair()).status).toBe(401);
    const form = { grant_type: "client_credentials" };
    expect((await home.form("/oauth2/token", form, basic("dashboard", another))).status).toBe(200);
  });
});

describe("a store that is away", () => {
  test("at the start is waited for: the process lives, and is not ready, since nobody is answered yet", async () => {
    const home = await IssuerHome.make();
    await home.writes({ generation: 5 });
    const [store, admin] = [await freePort(), await freePort()];
    void home.begin({
      store: `postgres://nobody@127.0.0.1:${store}/grants`,
      adminListen: { kind: "tcp", host: "127.0.0.1", port: admin },
    });
    home.ports = { api: 0, admin };
    await home.log.heard("The store can't be opened yet");
    await home.log.heard("} ready");
    expect(await home.text("/livez")).toEqual([200, expect.anything()]);
    expect(await home.text("/readyz")).toEqual([503, expect.stringContaining("store: it is not open yet")]);
    expect((await home.text("/metrics"))[1]).toContain("keyturn_issuer_store_open 0");
    home.stop.abort();
    await home.ended;
  });

  test.each([
    ["mysql://somebody:hidden@db/grants", "must be sqlite:PATH or postgres://"],
    ["sqlite:/nowhere/grants.db", 'Cannot open the database "/nowhere/grants.db"'],
  ])("for ever, as %j is, ends it with what is to be changed", async (store, message) => {
    const home = await IssuerHome.make();
    await home.writes({ generation: 5 });
    void home.begin({ store });
    await expect(home.ended).rejects.toMatchObject({
      code: "StoreUnusable",
      message: expect.stringContaining(message) as unknown,
    });
    await expect(home.ended).rejects.not.toThrow("hidden");
    // In good order, too
    expect(await readdir(join(home.dir, "acks"))).toEqual([]);
  });
});

describe("the end of an issuer", () => {
  test("lets a request that was begun finish, ends the streams, and takes nobody new", async () => {
    const home = await IssuerHome.make();
    await home.allow(fileWith(specWith({ client: { allow: { audiences: ["api"], watchRevocations: true } } })));
    await home.writes({ generation: 5 });
    await home.start();
    await home.log.heard("} ready");
    const headers = { authorization: basic() };
    const stream = await fetch(home.at("/v1/revocations"), { headers: { ...headers, accept: "text/event-stream" } });
    const events = stream.text();
    const begun = await beginRequest(home);
    home.stop.abort();
    await home.log.heard("draining");
    expect(await events).toMatch(/^:\n\n/);
    await expect(home.pair()).rejects.toThrow("fetch failed");
    const answer = await begun.finish();
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(answer).toMatch(/^connection: close\r$/im);
    await home.ended;
    expect(home.log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });

  test("comes when an address can't be had, with nothing left behind", async () => {
    const home = await IssuerHome.make();
    await home.writes({ generation: 5 });
    await home.start();
    const { api, admin = 0 } = home.ports;
    const second = await IssuerHome.make();
    for (const options of [
      { listen: { kind: "tcp", host: "127.0.0.1", port: api } },
      { adminListen: { kind: "tcp", host: "127.0.0.1", port: admin } },
    ] as const) {
      void second.begin(options);
      await expect(second.ended).rejects.toMatchObject({ code: "AddressUnusable" });
      expect(await readdir(join(second.dir, "acks"))).toEqual([]);
    }
  });
});

/** A request whose last bytes are yet to come, though the server has the rest: it has said "continue" (RFC 9110 §10.1.1). */
async function beginRequest(home: IssuerHome): Promise<{ finish: () => Promise<string> }> {
  const body = "grant_type=client_credentials";
  const socket = connect(home.ports.api, "127.0.0.1");
  const lines = ["POST /oauth2/token HTTP/1.1", "host: issuer", `authorization: ${basic()}`, "expect: 100-continue"];
  const type = "content-type: application/x-www-form-urlencoded";
  socket.write([...lines, type, `content-length: ${body.length}`, "", ""].join("\r\n"));
  await once(socket, "readable");
  expect(String(socket.read())).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  return {
    finish: () => {
      socket.write(body);
      return text(socket);
    },
  };
}
