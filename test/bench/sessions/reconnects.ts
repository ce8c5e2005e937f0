import * as grpc from "@grpc/grpc-js";
import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { grpcTransport, SessionClient, webSocketTransport } from "../../../src/client/sessions.ts";
import type { Figure } from "../figures.ts";
import { end } from "../sidecar/processes.ts";
import { attach } from "./application.ts";
import type { Transport } from "./bare.ts";
import { startGateway } from "./gateway-program.ts";

export interface ReconnectSize {
  readonly clients: number;
  /** Of each client, one after the other, each when the one before has arrived. */
  readonly messages: number;
  readonly lifeSeconds: number;
}

/** So many lives of a token they send. */
const lives = 1.6;

/** How often each message arrived, by its id. */
type Counts = Map<string, number>;

/**
 * Clients of the package send all the while. Their tokens end, so each opens its next session in time; and all connections break at once in
 * between. Each message goes to the application and comes back.
 */
export async function reconnects(
  folder: string,
  transport: Transport,
  size: ReconnectSize,
): Promise<readonly Figure[]> {
  const gateway = await startGateway(folder);
  const there: Counts = new Map();
  const back: Counts = new Map();
  const count = (counts: Counts, id: string): void => void counts.set(id, (counts.get(id) ?? 0) + 1);
  const detach = await attach(gateway.hub, ({ id }) => count(there, id));
  const between = await breakable(gateway.ports[transport]);
  const sessions = new Set<string>();
  const clients = Array.from(
    { length: size.clients },
    (_, n) =>
      new SessionClient({
        url: `${transport === "gRPC" ? "http" : "ws"}://127.0.0.1:${between.port}`,
        transport: transport === "gRPC" ? grpcTransport(grpc) : webSocketTransport(),
        keeper: keeperOf(() => gateway.token(`client-${n}`, size.lifeSeconds), size.lifeSeconds),
        instanceId: `i${n}`,
        onMessage: ({ id }) => count(back, id),
        onState: (state) => {
          if (state.kind === "open") sessions.add(state.sessionId);
        },
      }),
  );
  try {
    const sent = clients.map(async (client, n) => {
      for (let m = 0; m < size.messages; m++) {
        await client.send(`text ${m}`, { id: `${n}-${m}` });
        await pause((size.lifeSeconds * lives * 1000) / size.messages);
      }
    });
    await pause(size.lifeSeconds * 500);
    between.breakAll();
    await Promise.all(sent);
    const all = size.clients * size.messages;
    // What is lost never comes
    for (let waited = 0; back.size < all && waited < 100; waited++) await pause(100);
    const twice = [...there.values(), ...back.values()].filter((times) => times > 1).length;
    const what = `${transport}: of ${(2 * all).toLocaleString("en-US")} messages over ${sessions.size - size.clients} reconnects`;
    return [
      { what: `${what}, lost`, unit: "messages", ours: 2 * all - there.size - back.size, goal: "0" },
      { what: "the same, twice", unit: "messages", ours: twice, goal: "0" },
    ];
  } finally {
    await Promise.all(clients.map((client) => client.close({ withinMs: 0 })));
    detach();
    between.close();
    await end(gateway.child);
  }
}

/** Another token once four fifths of the newest have passed. */
function keeperOf(newToken: () => string, lifeSeconds: number) {
  let newest = { token: newToken(), atMs: performance.now() };
  return {
    get: (): Promise<string> => {
      if (performance.now() - newest.atMs > lifeSeconds * 800) newest = { token: newToken(), atMs: performance.now() };
      return Promise.resolve(newest.token);
    },
  };
}

/** Passes connections on, until they break. */
async function breakable(to: number) {
  const all = new Set<Socket>();
  const server = createServer((client) => {
    const gateway = connect(to, "127.0.0.1");
    for (const [socket, other] of [
      [client, gateway],
      [gateway, client],
    ] as const) {
      all.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        all.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const breakAll = (): void => {
    for (const socket of all) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    breakAll,
    close: () => {
      server.close();
      breakAll();
    },
  };
}
