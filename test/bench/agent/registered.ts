import { once } from "node:events";
import { Agent, type IncomingMessage, request, type RequestOptions } from "node:http";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { agentHeader } from "../../../src/agent/api/request-guard.ts";
import type { Figure } from "../figures.ts";
import { end, rssMiB } from "../sidecar/processes.ts";
import { clientOf, startAgent } from "./agent-process.ts";
import { givingServer } from "./giving-server.ts";

/** So many are registered at once. */
const atOnce = 16;

/** An agent's memory before, between and after identities that come and go. In memory alone: a disk that syncs each would take minutes. */
export async function registeredAndGone(
  folder: string,
  { identities, settleMs }: { readonly identities: number; readonly settleMs: number },
): Promise<readonly Figure[]> {
  const issuer = await givingServer(28_800);
  const listen = { kind: "unix", path: join(folder, "registered.sock") } as const;
  const child = await startAgent({ folder, issuer: issuer.url, identities: 1, listen, keepsInMemory: true });
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const settled = async (): Promise<number> => {
    await pause(settleMs);
    return rssMiB(child);
  };
  const all = async (method: "PUT" | "DELETE"): Promise<number> => {
    let next = 0;
    const one = async (): Promise<void> => {
      while (next < identities) {
        const n = next++;
        const body = method === "PUT" ? JSON.stringify({ source: clientOf(n) }) : undefined;
        await ask({ socketPath: listen.path, agent, method, path: `/v1/identities/worker-${n}` }, body);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
    return settled();
  };
  try {
    const before = { name: "before", value: await settled() };
    const count = identities.toLocaleString("en-US");
    const rss = { unit: "MiB", baseline: before } as const;
    const [there, gone] = [await all("PUT"), await all("DELETE")];
    await all("PUT");
    const again = await all("DELETE");
    return [
      { ...rss, what: `${count} registered at run time (RSS)`, ours: there },
      { ...rss, what: "all of them unregistered (RSS)", ours: gone },
      {
        ...rss,
        what: "registered and unregistered once more (RSS)",
        ours: again,
        baseline: { name: "the first time", value: gone },
      },
    ];
  } finally {
    agent.destroy();
    issuer.close();
    await end(child);
  }
}

async function ask(options: RequestOptions, body: string | undefined): Promise<void> {
  const headers = {
    [agentHeader[0]]: agentHeader[1],
    ...(body !== undefined && { "content-type": "application/json" }),
  };
  const outgoing = request({ ...options, headers });
  outgoing.end(body);
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  const wanted = body === undefined ? 204 : 200;
  if (answer.statusCode !== wanted)
    throw new Error(`Cannot register: must be answered ${wanted}, is ${answer.statusCode}`);
  answer.resume();
  await once(answer, "end");
}
