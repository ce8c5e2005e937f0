import { describe, expect, test } from "vitest";
import { newAuthority } from "../kube/support/certificates.ts";
import { json, type Reply, scriptServer, stall } from "../kube/support/script-server.ts";
import {
  current,
  Following,
  iso,
  type OpenStream,
  revoked,
  soon,
  startMs,
  stream,
  token,
} from "./support/following.ts";

const open: OpenStream = {};
const say = (...said: readonly string[]): void => void open.response?.write(said.join(""));

describe("RevocationFollower", () => {
  test("asks for everything, knows it when the issuer says so, and hears of each that comes", async () => {
    const { server, called } = await scriptServer([stream(open, revoked(5, "a"))]);
    const { follower, known } = new Following(server);
    const { headers } = await called(1);
    expect(headers).toMatchObject({ accept: "text/event-stream", authorization: `Bearer ${token}` });
    expect(headers["last-event-id"]).toBeUndefined();
    await soon(() => known("a"));
    expect([follower.isFit, follower.isConnected]).toEqual([false, false]);
    say(current(5));
    await soon(() => follower.isFit);
    expect([follower.isConnected, follower.health()]).toEqual([true, undefined]);
    say(revoked(6, "b"));
    await soon(() => known("b"));
  });

  test("a connection that breaks takes nothing away, and what came meanwhile is heard by the seq of the last", async () => {
    const { server, called, calls } = await scriptServer([
      stream(open, revoked(5, "a"), current(5), revoked(6, "b")),
      stream(open, revoked(7, "c"), current(7)),
    ]);
    const { follower, known, clock } = new Following(server);
    await soon(() => known("b"));
    calls[0]?.socket.destroy();
    await soon(() => !follower.isConnected);
    await clock.armed(125);
    expect([known("a"), known("b"), follower.isFit]).toEqual([true, true, true]);
    expect(follower.health()).toMatchObject({ remark: expect.stringContaining("the connection broke") as unknown });
    await clock.advance(125);
    expect((await called(2)).headers["last-event-id"]).toBe("6");
    await soon(() => known("c"));
    expect([known("a"), follower.isConnected, follower.health()]).toEqual([true, true, undefined]);
  });

  test("goes on after a seq that went back, and forgets nothing: the store may be an older one", async () => {
    const { server, called } = await scriptServer([
      stream(open, revoked(9, "a"), current(9)),
      stream(open, revoked(3, "b"), current(3)),
    ]);
    const { known, clock } = new Following(server);
    await soon(() => known("a"));
    for (const seq of ["9", "3"]) {
      open.response?.destroy();
      await clock.armed(100, 1000);
      await clock.advance(1000);
      expect((await called(seq === "9" ? 2 : 3)).headers["last-event-id"]).toBe(seq);
      await soon(() => known("b"));
    }
    expect(known("a")).toBe(true);
  });

  test("a stream that says nothing for 30 s is gone; one that says anything is not", async () => {
    const { server, called } = await scriptServer([stream(open, current(1))]);
    const { follower, clock } = new Following(server);
    await soon(() => follower.isConnected);
    await clock.armed(30_000);
    for (let turn = 0; turn < 4; turn++) {
      await clock.advance(29_999);
      say(":\n\n");
      await clock.armed(30_000);
    }
    expect(follower.isConnected).toBe(true);
    await clock.advance(30_000);
    await soon(() => !follower.isConnected);
    await clock.armed(100, 1000);
    await clock.advance(1000);
    await called(2);
  });

  test("a stream that begins and says nothing at all is gone as well", async () => {
    const { server, called } = await scriptServer([(response) => response.writeHead(200, events).flushHeaders()]);
    const { clock } = new Following(server);
    await called(1);
    await clock.armed(30_000);
    for (let turns = 0; turns < 20; turns++) await clock.advance(0);
    await clock.advance(30_000);
    await clock.armed(100, 1000);
    await clock.advance(1000);
    await called(2);
  });

  test("an answer that is no good is not read to its end, which may never come", async () => {
    const { server, quiet } = await scriptServer([(response) => void response.writeHead(401).write("no")]);
    const { clock } = new Following(server);
    await clock.armed(125);
    await quiet();
    // The wait for the next one, and that for the first word
    expect(clock.waits).toEqual([125, 5000]);
  });

  test("a good stream that the issuer ends is no trouble", async () => {
    const { server } = await scriptServer([stream(open, current(1))]);
    const following = new Following(server);
    const { follower, clock } = following;
    await soon(() => follower.isConnected);
    await clock.advance(10_000);
    open.response?.end();
    await soon(() => !follower.isConnected);
    await clock.armed(125);
    expect([follower.health(), following.lines.length]).toEqual([undefined, 1]);
  });

  test("streams that end at once are tried less and less often", async () => {
    const { server } = await scriptServer([(response) => void response.writeHead(200, events).end(current(1))]);
    const { clock, follower } = new Following(server);
    for (const wait of [125, 250, 500, 1000, 2000, 4000, 7500, 7500]) {
      await clock.armed(wait);
      await clock.advance(wait);
    }
    expect(follower.health()).toMatchObject({ remark: expect.stringContaining("just begun") as unknown });
  });

  test("reads its token again for each connection", async () => {
    const { server, called } = await scriptServer([json(401, {})]);
    const { files, clock } = new Following(server);
    await clock.armed(125);
    files.texts["/token"] = "another";
    await clock.advance(125);
    expect((await called(2)).headers.authorization).toBe("Bearer another");
  });

  test("a client shows its id and secret as a form has them", async () => {
    const { server, called } = await scriptServer([stall]);
    const credentials = { kind: "client", id: "gate way", secretFile: "/token" } as const;
    new Following(server, { credentials });
    const basic = Buffer.from(`gate%20way:${token}`).toString("base64");
    expect((await called(1)).headers.authorization).toBe(`Basic ${basic}`);
  });

  test("comes again when the issuer asks for it, not before, and not later than a minute", async () => {
    const { server } = await scriptServer([
      json(503, {}, { "retry-after": "7" }),
      json(503, {}, { "retry-after": "9000" }),
    ]);
    const { clock } = new Following(server);
    await clock.armed(7125);
    await clock.advance(7125);
    await clock.armed(60_250);
  });

  const elsewhere: Reply = (response) => void response.writeHead(302, { location: "http://127.0.0.1:9/" }).end();
  test.each<[string, Reply, string]>([
    ["a redirect", elsewhere, "redirects, which is not followed"],
    ["401", json(401, { error: "no" }), "answers 401: the token or the secret is not good there"],
    ["403", json(403, { error: "no" }), "answers 403: its TokenIssuer must allow watchRevocations"],
    ["a page", json(200, { error: "no" }), "answers what is no event stream"],
    [
      "an event that is none",
      (response) => void response.writeHead(200, events).write("data: {}\n\n"),
      "without its seq",
    ],
  ])("says what is wrong with %s, once, and never its token", async (_, reply, problem) => {
    const { server } = await scriptServer([reply]);
    const following = new Following(server);
    await following.clock.armed(125);
    await following.clock.advance(125);
    await following.clock.armed(250);
    expect(following.lines).toEqual([expect.stringContaining(`${server} `)]);
    expect(following.told).toContain(problem);
    expect(following.told).not.toContain(token);
  });

  test("without its token it asks nobody, and says so", async () => {
    const { server, calls } = await scriptServer([stall]);
    const following = new Following(server, { credentials: { kind: "token", tokenFile: "/away" } });
    await following.clock.armed(125);
    expect([calls.length, following.told]).toEqual([0, expect.stringContaining('Cannot read \\"/away\\"')]);
  });

  test("tells its token to nobody whose certificate the CA did not sign", async () => {
    const [ours, other] = [newAuthority("ours"), newAuthority("other")];
    const { server, called, calls } = await scriptServer([stream(open, current(1))], ours.issue("127.0.0.1"));
    const stranger = new Following(server, { caFile: "/ca" }, { "/ca": other.cert });
    await stranger.clock.armed(125);
    expect([calls.length, stranger.told]).toEqual([0, expect.stringContaining("is away: ")]);
    stranger.files.texts["/ca"] = ours.cert;
    await stranger.clock.advance(125);
    await called(1);
  });

  test("keeps no more than fits, says so aloud, and goes on where it was when there is room", async () => {
    const soonOver = { endsAt: iso(startMs + 60_000) };
    const { server, called } = await scriptServer([
      stream(open, revoked(1, "a", soonOver), revoked(2, "b"), revoked(3, "c"), current(3)),
      stream(open, revoked(3, "c"), current(3)),
    ]);
    const following = new Following(server, { mostEntries: 2 });
    const { clock, follower, known } = following;
    await clock.armed(125);
    expect([known("a"), known("b"), known("c"), follower.isConnected]).toEqual([true, true, false, false]);
    expect(following.told).toContain("says more than the 2 revocations that are kept at once");
    clock.freeze(60_000);
    await clock.advance(0);
    expect((await called(2)).headers["last-event-id"]).toBe("2");
    await soon(() => known("c"));
    expect([known("a"), follower.revoked.size]).toEqual([false, 2]);
  });

  test("forgets what has ended while it hears on", async () => {
    const { server } = await scriptServer([
      stream(open, revoked(1, "a", { endsAt: iso(startMs + 60_000) }), current(1)),
    ]);
    const { clock, follower } = new Following(server);
    await soon(() => follower.isConnected);
    expect(follower.revoked.size).toBe(1);
    clock.freeze(60_000);
    say(current(1));
    await soon(() => follower.revoked.size === 0);
  });

  test("ends with the signal, also its connection", async () => {
    const { server, quiet } = await scriptServer([stream(open, current(1))]);
    const following = new Following(server);
    await soon(() => following.follower.isConnected);
    await following.stop();
    await quiet();
  });
});

describe("RevocationFollower before its first word", () => {
  test("serves as soon as a first try has failed: what it can't know takes nothing down", async () => {
    const { server } = await scriptServer([json(503, {})]);
    const { follower, clock } = new Following(server);
    expect([follower.isFit, follower.health()]).toEqual([false, "what is revoked is not known yet"]);
    await clock.armed(125);
    expect([follower.isFit, follower.health()]).toMatchObject([true, { remark: expect.any(String) as unknown }]);
  });

  test("waits 5 s for an issuer that says nothing", async () => {
    const { server, called } = await scriptServer([stall]);
    const { follower, clock } = new Following(server);
    await called(1);
    await clock.advance(4999);
    expect(follower.isFit).toBe(false);
    await clock.advance(1);
    expect(follower.isFit).toBe(true);
  });

  test("with a longest age serves nobody", async () => {
    const { server } = await scriptServer([json(503, {})]);
    const { follower, clock } = new Following(server, { maxAgeMs: 60_000 });
    await clock.armed(125);
    await clock.advance(10_000);
    expect([follower.isFit, follower.health()]).toEqual([false, expect.stringMatching(/not known yet; .*answers 503/)]);
  });
});

describe("RevocationFollower with a longest age", () => {
  const heard = async (): Promise<Following> => {
    const { server } = await scriptServer([stream(open, current(1))]);
    const following = new Following(server, { maxAgeMs: 60_000 });
    await soon(() => following.follower.isFit);
    return following;
  };

  test("serves for so long after the last word that it knows all, and again after the next", async () => {
    const { follower, clock } = await heard();
    clock.freeze(60_000);
    expect(follower.isFit).toBe(true);
    clock.freeze(1);
    expect([follower.isFit, follower.health()]).toEqual([false, expect.stringContaining("was known 60 s ago")]);
    // Lives, and does not know
    say(":\n\n", revoked(2, "a"));
    await soon(() => follower.revoked.size === 1);
    expect(follower.isFit).toBe(false);
    say(current(2));
    await soon(() => follower.isFit);
  });

  test("counts by the clock that says more", async () => {
    const { follower, clock } = await heard();
    clock.setWall(startMs - 3_600_000);
    clock.freeze(60_001);
    expect(follower.isFit).toBe(false);
    const frozen = await heard();
    frozen.clock.setWall(startMs + 60_001);
    expect(frozen.follower.isFit).toBe(false);
  });
});

const events = { "content-type": "text/event-stream" };
