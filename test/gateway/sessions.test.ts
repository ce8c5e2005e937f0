import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RevokedSet } from "../../src/jwt/revoked-set.ts";
import {
  defaultSessionRules,
  defaultSessionTimings,
  type SessionsOptions,
} from "../../src/sessions/sessions-options.ts";
import type { GatewayOptions } from "../../src/gateway/options.ts";
import { runGateway } from "../../src/gateway/run-gateway.ts";
import { systemClock } from "../../src/time/clock.ts";
import { HeardLog } from "../support/heard-log.ts";
import { Application } from "../sessions/hub/support/scene.ts";
import { overGrpc, type SessionClient } from "../sessions/faces/support/clients.ts";
import { transports } from "../sessions/faces/support/gateway.ts";
import { Home, local } from "./support/home.ts";
import { tokenOf } from "./support/tokens.ts";

const token = (claims: object = {}, signer = 0): string => tokenOf({ signer, nowMs: Date.now(), claims });
const alice = { subject: "alice", instanceId: "one" };

const hubOf = (home: Home): string => join(home.dir, "hub.sock");

const served = (home: Home, other: Partial<SessionsOptions> = {}): SessionsOptions => ({
  ...{ listen: local, grpcListen: local, hubListen: { kind: "unix", path: hubOf(home) }, origins: [] },
  ...{ rules: defaultSessionRules, timings: defaultSessionTimings },
  ...other,
});

describe.each(transports)("a gateway with sessions over $name", (transport) => {
  async function start(more: Partial<GatewayOptions> = {}, ring = true): Promise<Home> {
    const home = await Home.make();
    if (ring) await home.writes({ generation: 5 });
    await home.start({}, true, { sessions: served(home), ...more });
    if (ring) await home.logs("ready {");
    return home;
  }

  function connect(home: Home, shown = token()): SessionClient {
    const { webSocket, grpc } = home.ports.sessions ?? {};
    return transport.open((transport.name === "gRPC" ? grpc : webSocket) ?? 0, shown);
  }

  async function open(home: Home, shown = token(), instanceId = "one"): Promise<SessionClient> {
    const client = connect(home, shown);
    client.say({ hello: { instanceId } });
    await client.next("accepted");
    return client;
  }

  test("accepts none before it has keys, and then passes messages on, both ways", async () => {
    const home = await start({}, false);
    const early = connect(home);
    expect((await early.next("closing"))["closing"]).toMatchObject({ code: "NotReady", retry: true });
    await home.writes({ generation: 5 });
    await home.logs("ready {");
    const application = new Application(hubOf(home));
    const client = await open(home);
    expect(await application.next("opened")).toMatchObject({ peer: alice });
    client.say({ message: { seq: 1, id: "u1", payload: Buffer.from("up") } });
    const { lineage } = await application.next("delivery");
    application.say({ taken: { peer: alice, lineage, seq: 1 } });
    expect((await client.next("received"))["received"]).toEqual({ seq: 1 });
    application.say({ send: { peer: alice, id: "d1", payload: Buffer.from("down") } });
    await client.next("message");
    client.say({ received: { seq: 1 } });
    expect(await application.next("sent")).toMatchObject({ id: "d1", outcome: "delivered" });
    const [, metrics] = await home.get("admin", "/metrics");
    for (const line of [
      ...['refused_total{code="NotReady"} 1', 'accepted_total{how="anew"} 1', "open 1", "hub_attached 1"],
      ...[
        'messages_total{direction="in",outcome="delivered"} 1',
        'messages_total{direction="out",outcome="delivered"} 1',
      ],
    ]) {
      expect(metrics).toContain(`\nkeyturn_gateway_sessions_${line}\n`);
    }
  });

  test("takes tokens as its other faces do, with what it demands of them", async () => {
    const home = await start({ required: { scopes: ["sessions"] } });
    const refused = connect(home);
    expect((await refused.next("closing"))["closing"]).toMatchObject({ code: "TokenRefused" });
    await open(home, token({ scope: "sessions" }));
  });

  test("a rotation ends no session, the revocation of a key does", async () => {
    const home = await start();
    const client = await open(home);
    await home.writes({ generation: 6, signer: 1, standby: 2, retiring: [0] });
    await home.logs('"generation":6');
    await open(home, token({}, 1), "two");
    await home.writes({ generation: 7, signer: 1, standby: 2, revoked: [0] });
    expect((await client.next("closing"))["closing"]).toMatchObject({ code: "Revoked", retry: true });
    await home.logs('sessions of what was revoked have ended {"kind":"key","sessions":1}');
  });

  test.each(["grant", "token", "subject"] as const)(
    "ends the session in the tick in which its %s is revoked",
    async (kind) => {
      const revoked = new RevokedSet();
      const home = await start({ revoked });
      const client = await open(home, token({ sid: "g1", jti: "t1" }));
      const value = { grant: "g1", token: "t1", subject: "alice" }[kind];
      const before = home.lines.length;
      revoked.add({ kind, value, atMs: Date.now(), endsAtMs: Date.now() + 3_600_000 });
      expect(home.lines.slice(before)).toEqual([
        expect.stringContaining("session ended"),
        `sessions of what was revoked have ended {"kind":"${kind}","sessions":1}`,
      ]);
      expect((await client.next("closing"))["closing"]).toMatchObject({ code: "Revoked", retry: kind === "token" });
    },
  );

  test("says in /readyz that no application is attached, and stays ready", async () => {
    const home = await start();
    const remark = "[+]sessions ok, but no application is attached: what sessions send waits\n";
    expect(await home.get("admin", "/readyz")).toEqual([200, expect.stringContaining(remark)]);
    await new Application(hubOf(home)).next("ready");
    expect(await home.get("admin", "/readyz")).toEqual([200, expect.stringContaining("[+]sessions ok\n")]);
  });

  test("ends in good order: each session at a moment within the drain, the application at last", async () => {
    const chances = [0.25, 0.5];
    const home = await start({ drainMs: 2000 });
    const application = new Application(hubOf(home));
    const clients = await Promise.all(chances.map((_, n) => open(home, token(), `i${n}`)));
    await application.next("opened");
    const peer = { ...alice, instanceId: "i0" };
    application.say({ send: { peer, id: "d1", payload: Buffer.from("nobody says that he has it") } });
    await clients[0]?.next("message");
    home.stop.abort();
    for (const client of clients) {
      expect((await client.next("closing"))["closing"]).toMatchObject({ code: "Draining", retry: true });
    }
    expect(await application.ended).toMatchObject({ code: "Draining" });
    expect(await application.next("sent")).toMatchObject({ peer, id: "d1", outcome: "gone" });
    await home.ended;
    expect(application.heard.flatMap(({ closed }) => (closed ? [closed["code"]] : []))).toEqual([
      "Draining",
      "Draining",
    ]);
  });

  test("writes no token and no subject down, whatever becomes of a session", async () => {
    const home = await start();
    const good = token();
    const client = await open(home, good);
    const bad = `${token()}x`;
    await connect(home, bad).next("closing");
    client.leave();
    await home.logs('"code":"Left"');
    const said = [
      ...home.lines,
      (await home.get("admin", "/metrics"))[1],
      (await home.get("admin", "/readyz"))[1],
    ].join();
    expect(said).toContain("session opened");
    expect(said).toContain('session refused {"code":"TokenRefused"}');
    for (const secret of [good, bad, good.split(".")[2] ?? "", "alice"]) expect(said).not.toContain(secret);
  });
});

test("a gateway whose bus is away serves its sessions, says what is away, and ends in good order", async () => {
  const home = await Home.make();
  await home.writes({ generation: 5 });
  const bus = { servers: ["nats://127.0.0.1:1"], prefix: "keyturn.sessions" };
  await home.start({}, true, { sessions: served(home, { bus }) });
  await home.logs("ready {");
  const client = overGrpc.open(home.ports.sessions?.grpc ?? 0, token());
  client.say({ hello: { instanceId: "one" } });
  await client.next("accepted");
  const away = "the session bus is away: peers of other replicas can't be reached";
  const application = "no application is attached: what sessions send waits";
  expect(await home.get("admin", "/readyz")).toEqual([
    200,
    expect.stringContaining(`ok, but ${application}; ${away}\n`),
  ]);
  await new Application(hubOf(home)).next("ready");
  expect((await home.get("admin", "/readyz"))[1]).toContain(`ok, but ${away}\n`);
  expect((await home.get("admin", "/metrics"))[1]).toContain("\nkeyturn_gateway_sessions_bus_connected 0\n");
  home.stop.abort();
  expect((await client.next("closing"))["closing"]).toMatchObject({ code: "Draining" });
  await home.ended;
});

test("a gateway with credentials for the bus that are none ends before it listens anywhere", async () => {
  const home = await (await Home.make()).start();
  const log = new HeardLog();
  const credentialsFile = join(home.dir, "bus.creds");
  await writeFile(credentialsFile, "nothing");
  const bus = { servers: ["nats://127.0.0.1:4222"], prefix: "a", credentialsFile };
  const second = runGateway({
    sources: { kind: "directory", ring: "signer", acks: "off", dir: home.dir, instance: "two" },
    ...{ listen: local, sessions: served(home, { bus }), required: {}, owned: [] },
    onListening: () => home.stop.abort(),
    ...{ drainMs: 0, clock: systemClock, chance: Math.random, newId: randomUUID, log, signal: home.stop.signal },
  });
  await expect(second).rejects.toMatchObject({ code: "BusUnusable" });
  expect(log.lines.join("\n")).not.toContain("listening");
});

test.each(["listen", "grpcListen", "hubListen"] as const)(
  "a gateway whose sessions can't have their address (%s) ends, with nothing left behind",
  async (which) => {
    const home = await (await Home.make()).start();
    const taken = { ...local, port: home.ports.front };
    const log = new HeardLog();
    const second = runGateway({
      sources: { kind: "directory", ring: "signer", acks: "off", dir: home.dir, instance: "two" },
      ...{ listen: local, sessions: served(home, { [which]: taken }), required: {}, owned: [] },
      ...{ drainMs: 0, clock: systemClock, chance: Math.random, newId: randomUUID, log, signal: home.stop.signal },
    });
    await expect(second).rejects.toMatchObject({ code: "AddressUnusable" });
    const [, mine = 0] = /"port":(\d+)} listening$/m.exec(log.lines.join("\n")) ?? [];
    await expect(fetch(`http://127.0.0.1:${mine}/verify`)).rejects.toThrow("fetch failed");
  },
);
