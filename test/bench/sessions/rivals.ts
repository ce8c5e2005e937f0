import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../../hack/free-port.ts";
import { centrifugo, centrifugoNeeds } from "../../../hack/centrifugo.ts";
import { natsNeeds, natsServer } from "../../../hack/nats.ts";
import { untilListening } from "../agent/agent-process.ts";
import type { Figure } from "../figures.ts";
import { onMeasuredCore } from "../renewals/pinned.ts";
import { cpuSeconds, end, rssMiB } from "../sidecar/processes.ts";
import { median } from "../times.ts";
import type { AcceptSize } from "./accepts.ts";
import { type Door, enter, leave } from "./crowd.ts";
import { startGateway } from "./gateway-program.ts";
import type { OpenLine } from "./line.ts";
import type { MemorySize } from "./memory.ts";
import { lineTo, webSocketLine } from "./web-socket-line.ts";

/** Another server of long-lived connections. */
interface Rival {
  readonly name: string;
  readonly needs: () => string | undefined;
  readonly program: (say: (line: string) => void) => Promise<string>;
  readonly settings: (port: number, publicKey: string) => { readonly args: readonly string[]; readonly env: object };
  readonly open: OpenLine;
}

const webSocketTo = lineTo({ path: "/connection/websocket", headers: () => [] });

const rivals: readonly Rival[] = [
  {
    name: "Centrifugo v6.9.1",
    needs: centrifugoNeeds,
    program: centrifugo,
    settings: (port, publicKey) => ({
      args: [],
      env: {
        CENTRIFUGO_CLIENT_TOKEN_ECDSA_PUBLIC_KEY: publicKey,
        CENTRIFUGO_HTTP_SERVER_ADDRESS: "127.0.0.1",
        CENTRIFUGO_HTTP_SERVER_PORT: String(port),
        CENTRIFUGO_LOG_LEVEL: "error",
      },
    }),
    open: (port, token, ends) => {
      const line = webSocketTo(port, "", {
        ...ends,
        heard: (frame) => ends.heard("connect" in frame ? { accepted: {} } : frame),
      });
      line.say({ id: 1, connect: { token } });
      return { ...line, say: () => undefined };
    },
  },
  {
    name: "nats-server v2.15.2, without tokens",
    needs: natsNeeds,
    program: natsServer,
    settings: (port) => ({ args: ["--addr", "127.0.0.1", "--port", String(port)], env: {} }),
    open: (port, _, ends) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.on("error", () => undefined);
      socket.on("close", () => ends.ended());
      socket.once("data", () => {
        socket.write('CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1"}\r\nPING\r\n');
        socket.once("data", () => ends.heard({ accepted: {} }));
      });
      return { say: () => undefined, leave: () => socket.end(), cut: () => socket.destroy() };
    },
  },
];

/** As many connections to servers in Go, each on one core, as ours over WebSocket. */
export async function besideRivals(
  folder: string,
  { accepts, memory }: { readonly accepts: AcceptSize; readonly memory: MemorySize },
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const rival of rivals) {
    const missing = rival.needs();
    if (missing === undefined) figures.push(...(await beside(rival, folder, { accepts, memory })));
    else console.error(`${rival.name} is not measured: ${missing}`);
  }
  return figures;
}

async function beside(
  rival: Rival,
  folder: string,
  size: { readonly accepts: AcceptSize; readonly memory: MemorySize },
): Promise<readonly Figure[]> {
  const gateway = await startGateway(folder, ["--session-keep=0s"]);
  const port = await freePort();
  const { args, env } = rival.settings(port, gateway.publicKey);
  const command = [...onMeasuredCore, await rival.program(console.error), ...args];
  const child = spawn(command[0] ?? "", command.slice(1), { stdio: "ignore", env: { ...process.env, ...env } });
  try {
    await untilListening({ kind: "tcp", host: "127.0.0.1", port });
    const both = [
      { door: { open: webSocketLine, port: gateway.ports.WebSocket }, child: gateway.child, rates: [] as number[] },
      { door: { open: rival.open, port }, child, rates: [] as number[] },
    ] as const;
    for (let round = -1; round < size.accepts.rounds; round++) {
      const tokens = gateway.tokens(size.accepts.accepts);
      const rates = [await rateOf(both[0], tokens, size.accepts), await rateOf(both[1], tokens, size.accepts)];
      // The first round is for the compiler
      if (round >= 0) both.forEach((one, n) => one.rates.push(rates[n] ?? Number.NaN));
    }
    const memory: number[] = [];
    // One after the other: both at once would be more connections than a process may have open
    for (const { door, child: server } of both) {
      const guests = await enter(door, gateway.tokens(size.memory.sessions));
      await pause(size.memory.restMs);
      memory.push(await rssMiB(server));
      leave(guests);
      await pause(size.accepts.betweenMs);
    }
    const [ourMiB = Number.NaN, theirMiB = Number.NaN] = memory;
    const count = size.memory.sessions.toLocaleString("en-US");
    const [ours, theirs] = both;
    const { name } = rival;
    return [
      {
        what: "WebSocket: sessions that begin",
        ...{ unit: "a CPU second", ours: median(ours.rates), baseline: { name, value: median(theirs.rates) } },
      },
      {
        what: `WebSocket: memory with ${count} sessions, after those that came and went (RSS)`,
        ...{ unit: "MiB", ours: ourMiB, baseline: { name, value: theirMiB } },
      },
    ];
  } finally {
    await Promise.all([end(gateway.child), end(child)]);
  }
}

async function rateOf(
  { door, child }: { readonly door: Door; readonly child: ChildProcess },
  tokens: readonly string[],
  { betweenMs }: AcceptSize,
): Promise<number> {
  const before = await cpuSeconds(child);
  const guests = await enter(door, tokens);
  // The kernel counts in hundredths
  const cpu = Math.max((await cpuSeconds(child)) - before, 0.01);
  leave(guests);
  await pause(betweenMs);
  return tokens.length / cpu;
}
