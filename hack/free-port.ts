import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

/** Below those that a system gives to whoever names none (Linux: 32768 and up), which may be another's a moment later. */
const range = { from: 16_384, below: 30_000 };
const attempts = 1000;

/** Those of this process, until it ends. */
const claims = new Set<Server>();

/** A port of 127.0.0.1 that nobody else gets: for servers that can't choose one themselves, or where nobody is to listen. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = randomInt(range.from, range.below);
    if ((await isClaimed(port)) && (await isFree(port))) return port;
  }
  throw new Error(`Cannot find a free port: must be one from ${range.from} to ${range.below - 1}`);
}

/** No other process that asks here gets it: by a socket with a name of Linux' own, which is gone with the process. */
async function isClaimed(port: number): Promise<boolean> {
  if (process.platform !== "linux") return true;
  const claim = await listening({ path: `\0keyturn-port-${port}` });
  if (claim === undefined) return false;
  claims.add(claim.unref());
  return true;
}

async function isFree(port: number): Promise<boolean> {
  const server = await listening({ host: "127.0.0.1", port });
  if (server === undefined) return false;
  server.close();
  await once(server, "close");
  return true;
}

/** Undefined where another listens. */
async function listening(where: { path: string } | { host: string; port: number }): Promise<Server | undefined> {
  const server = createServer().listen(where);
  try {
    await once(server, "listening");
    return server;
  } catch {
    return undefined;
  }
}
