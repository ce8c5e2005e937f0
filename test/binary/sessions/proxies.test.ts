import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { PeerKey } from "../../../src/sessions/core/peer-state.ts";
import { overGrpc, overWebSocket, type SessionClient } from "../../sessions/faces/support/clients.ts";
import { Gateway } from "../../sessions/faces/support/gateway.ts";
import { type Change, type ProxyName, startProxy } from "./proxy.ts";

type Skip = (why: string) => void;
const transports = { WebSocket: overWebSocket, gRPC: overGrpc };
type TransportName = keyof typeof transports;
const manyOfOne = { peers: 2000, peersOfSubject: 2000 };

/** Gateways whose clock stands still, so that nobody but the proxy ends a session; and the proxy. */
async function behind(
  proxy: ProxyName,
  { transport, changes = [] }: { readonly transport: TransportName; readonly changes?: readonly Change[] },
  skip: Skip,
) {
  const gateways = {
    WebSocket: await Gateway.serving(overWebSocket, manyOfOne),
    gRPC: await Gateway.serving(overGrpc, manyOfOne),
  };
  const gateway = gateways[transport];
  const started = await startProxy(proxy, { webSocket: gateways.WebSocket.port, gRPC: gateways.gRPC.port }, changes);
  if ("missing" in started) {
    skip(started.missing);
    throw new Error(started.missing);
  }
  const port = transport === "gRPC" ? started.gRPC : started.webSocket;
  let count = 0;
  const open = async (resume?: string) => {
    const client = transports[transport].open(port, gateway.token());
    const instanceId = resume === undefined ? `i${++count}` : `i${count}`;
    client.say({ hello: { instanceId, ...(resume !== undefined && { resume: { sessionId: resume, received: 0 } }) } });
    const refused = client.ended.then(({ status }) => Promise.reject(new Error(`refused: ${status}`)));
    const { accepted: terms = {} } = await Promise.race([client.next("accepted"), refused]);
    refused.catch(() => undefined);
    return { client, terms, peer: { subject: "alice", instanceId } };
  };
  return { gateway, open };
}

/** As the gateway asks its clients, but sooner. */
function keepsSpeaking(client: SessionClient): void {
  const over = new AbortController();
  onTestFinished(() => over.abort());
  void (async () => {
    while (!over.signal.aborted) {
      client.say({ heartbeat: {} });
      await client.next("heartbeat");
      await pause(100);
    }
  })();
}

/** The proxy ended it: the gateway has said nothing, and its owner goes on where he was. */
async function isCutByProxy(client: SessionClient): Promise<void> {
  expect(await client.ended).toMatchObject({ code: undefined });
}

interface OpenSession {
  readonly client: SessionClient;
  readonly peer: PeerKey;
}

async function stillWorks({ gateway }: { readonly gateway: Gateway }, one: OpenSession): Promise<void> {
  const sent = gateway.service.send(one.peer, { id: "d1", payload: Buffer.from("still there") });
  const { message } = await one.client.next("message");
  one.client.say({ received: { seq: message?.["seq"] } });
  expect(await sent).toBe("delivered");
}

/** A second in the place of the proxy's time without a word. */
const short: Readonly<Record<Exclude<ProxyName, "traefik">, readonly Change[]>> = {
  nginx: [[/ 60s/g, " 1s"]],
  envoy: [["stream_idle_timeout: 300s", "stream_idle_timeout: 1s"]],
};

describe.each(["nginx", "envoy"] as const)("a session behind %s with the example's configuration", (proxy) => {
  test.for(["WebSocket", "gRPC"] as const)(
    "over %s lives by its heartbeats, where one that says nothing is cut and goes on where it was",
    async (transport, { skip }) => {
      const world = await behind(proxy, { transport, changes: short[proxy] }, skip);
      const speaking = await world.open();
      keepsSpeaking(speaking.client);
      for (let round = 0; round < 2; round++) {
        const silent = await world.open();
        await isCutByProxy(silent.client);
        await world.gateway.until(() => world.gateway.news.filter(({ kind }) => kind === "closed").length > round);
        expect((await world.open(String(silent.terms["sessionId"]))).terms).toMatchObject({ resumed: true });
      }
      await stillWorks(world, speaking);
    },
  );
});

const payload = Buffer.alloc(60_000).toString("base64");

/** More than nginx takes for a body by itself. */
async function saysMuch({ client }: { client: SessionClient }): Promise<void> {
  for (let seq = 1; seq <= 24; seq++) {
    client.say({ message: { seq, id: `u${seq}`, payload } });
    await Promise.race([client.next("received"), client.ended]);
  }
}

describe("a session behind nginx", () => {
  test("may say more than 1 MiB over gRPC with the example's client_max_body_size, and not without", async ({
    skip,
  }) => {
    const world = await behind("nginx", { transport: "gRPC" }, skip);
    const session = await world.open();
    await saysMuch(session);
    await stillWorks(world, session);
    const line = "client_max_body_size 0;";
    const other = await behind("nginx", { transport: "gRPC", changes: [[line, ""]] }, skip);
    const cut = await other.open();
    await saysMuch(cut);
    await isCutByProxy(cut.client);
  });
});

describe("a session behind Traefik", () => {
  const late: Change = ["readTimeout=0s", "readTimeout=1s"];

  test("lives as long as it likes over gRPC with the example's readTimeout, and not without", async ({ skip }) => {
    const world = await behind("traefik", { transport: "gRPC" }, skip);
    const session = await world.open();
    keepsSpeaking(session.client);
    const other = await behind("traefik", { transport: "gRPC", changes: [late] }, skip);
    const cut = await other.open();
    keepsSpeaking(cut.client);
    await isCutByProxy(cut.client);
    await stillWorks(world, session);
  });

  test("over WebSocket has no such end", async ({ skip }) => {
    const world = await behind("traefik", { transport: "WebSocket", changes: [late] }, skip);
    const session = await world.open();
    await pause(1500);
    await stillWorks(world, session);
  });
});

/** One after the other has its turn: more at once than a busy gateway takes in time is not what Envoy is asked about. */
async function openMany(
  open: () => Promise<unknown>,
  count: number,
): Promise<readonly PromiseSettledResult<unknown>[]> {
  const opened: PromiseSettledResult<unknown>[] = [];
  while (opened.length < count) {
    const atOnce = Math.min(50, count - opened.length);
    opened.push(...(await Promise.allSettled(Array.from({ length: atOnce }, open))));
  }
  return opened;
}

const refused = (opened: readonly PromiseSettledResult<unknown>[]) => opened.filter((one) => one.status === "rejected");

describe("sessions behind Envoy", () => {
  test.for(["WebSocket", "gRPC"] as const)(
    "over %s may be more than 1,024 with the example's circuit breakers",
    async (transport, { skip }) => {
      const world = await behind("envoy", { transport }, skip);
      expect(refused(await openMany(() => world.open(), 1100))).toEqual([]);
      expect(world.gateway.service.size.open).toBe(1100);
    },
  );

  test("are no more than 1,024 without", async ({ skip }) => {
    const changes = [[/circuit_breakers: .*/g, ""]] as const;
    const world = await behind("envoy", { transport: "gRPC", changes }, skip);
    const opened = await openMany(() => world.open(), 1100);
    expect(refused(opened)).toHaveLength(1100 - 1024);
  });

  test.for(["WebSocket", "gRPC"] as const)(
    "over %s are cut by max_stream_duration, whatever they say",
    async (transport, { skip }) => {
      const line = "upgrade_configs:";
      const limit = "common_http_protocol_options: { max_stream_duration: 1s }";
      const changes = [[line, `${limit}\n                ${line}`]] as const;
      const world = await behind("envoy", { transport, changes }, skip);
      const session = await world.open();
      keepsSpeaking(session.client);
      await isCutByProxy(session.client);
    },
  );
});
