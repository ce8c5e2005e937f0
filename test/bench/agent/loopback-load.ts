import { join } from "node:path";
import { freePort } from "../../../hack/free-port.ts";
import { AgentClient } from "../../../src/agent/api/agent-client.ts";
import { agentHeader } from "../../../src/agent/api/request-guard.ts";
import { tokenDocument } from "../../../src/agent/api/token-document.ts";
import type { Address } from "../../../src/http/address.ts";
import { systemClock } from "../../../src/time/clock.ts";
import type { Figure } from "../figures.ts";
import { end, start } from "../sidecar/processes.ts";
import { percentile } from "../times.ts";
import { startAgent, untilListening } from "./agent-process.ts";
import { givingServer } from "./giving-server.ts";
import { openLoop, type OpenLoop } from "./open-loop.ts";

export interface LoopbackSize extends OpenLoop {
  readonly rounds: number;
}

/** The loopback's `GET token`, in turns with a server that does nothing but answer as many bytes. */
export async function loopbackLoad(folder: string, size: LoopbackSize): Promise<readonly Figure[]> {
  const tcp = async (): Promise<Address> => ({ kind: "tcp", host: "127.0.0.1", port: await freePort() });
  const unix = (name: string): Address => ({ kind: "unix", path: join(folder, `${name}.sock`) });
  return [
    ...(await contest(folder, size, { over: "a Unix socket", ours: unix("ours"), bare: unix("bare") })),
    ...(await contest(folder, size, { over: "TCP", ours: await tcp(), bare: await tcp() })),
  ];
}

interface Places {
  readonly over: string;
  readonly ours: Address;
  readonly bare: Address;
}

async function contest(folder: string, { rounds, ...loop }: LoopbackSize, places: Places): Promise<readonly Figure[]> {
  const issuer = await givingServer(28_800);
  const ours = await startAgent({ folder, issuer: issuer.url, identities: 1, listen: places.ours });
  const token = await new AgentClient(places.ours, systemClock).token("id-0");
  const text = JSON.stringify(tokenDocument(token, Date.now()));
  const place = places.bare.kind === "unix" ? places.bare.path : String(places.bare.port);
  const bare = start(process.execPath, [join(import.meta.dirname, "bare-child.ts"), text, place]);
  try {
    await untilListening(places.bare);
    const tookMs = { ours: [] as number[], bare: [] as number[] };
    for (const side of ["ours", "bare"] as const) await openLoop(places[side], requestTo(places[side]), loop);
    for (let round = 0; round < rounds; round++) {
      for (const side of ["ours", "bare"] as const)
        tookMs[side].push(...(await openLoop(places[side], requestTo(places[side]), loop)));
    }
    return [50, 99].map((percent) => ({
      what: `GET token over ${places.over}, ${loop.ratePerSecond.toLocaleString("en-US")} a second, p${percent}`,
      unit: "ms",
      ours: percentile(tookMs.ours, percent),
      baseline: { name: "a bare node:http server", value: percentile(tookMs.bare, percent) },
      ...(percent === 99 && { goal: "≤ 2 ms" }),
    }));
  } finally {
    issuer.close();
    await Promise.all([end(ours), end(bare)]);
  }
}

const requestTo = (address: Address): string =>
  [
    "GET /v1/identities/id-0/token HTTP/1.1",
    `Host: localhost${address.kind === "tcp" ? `:${address.port}` : ""}`,
    `${agentHeader[0]}: ${agentHeader[1]}`,
    "Accept: application/json",
    "",
    "",
  ].join("\r\n");
