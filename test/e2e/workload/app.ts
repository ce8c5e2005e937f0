// An application with a Keyturn gateway beside it: has a token minted over loopback twice a second, and hands it on.
import { setTimeout as after } from "node:timers/promises";
import type { Delivery } from "./counts.ts";

const { POD = "", CLIENT_URL = "", MINT_URL = "", TTL_SECONDS = "10" } = process.env;
const everyMs = 500;
const patienceMs = 2000;

interface Minted {
  readonly token: string;
  readonly kid: string;
  readonly expiresAt: string;
}

async function post(url: string, body: object): Promise<Response> {
  const headers = { "content-type": "application/json" };
  const signal = AbortSignal.timeout(patienceMs);
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}

async function mintAndDeliver(): Promise<void> {
  const answer = await post(MINT_URL, { sub: POD, ttlSeconds: Number(TTL_SECONDS) });
  const { token, kid, expiresAt } = (await answer.json()) as Minted;
  const delivery: Delivery = { pod: POD, kid, token, endsAtMs: Date.parse(expiresAt) };
  await post(CLIENT_URL, delivery);
}

// A pod's first process hears no signal that it does not ask for
process.on("SIGTERM", () => process.exit(0));
while (true) {
  await mintAndDeliver().catch((error: unknown) => console.log(String(error)));
  await after(everyMs);
}
