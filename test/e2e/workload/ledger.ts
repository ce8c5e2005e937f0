// The application beside a gateway that has sessions. Writes down each message that it hears, at the client, says that it has it, and sends an echo. Before it
// ends it waits until its echoes have arrived. It also stands for the mesh that takes the gateway's requests to the issuer: the gateway speaks
// to this machine alone in clear text.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import { Client, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import { hubDefinition } from "../../support/session-services.ts";
import type { LedgerEntry } from "./session-counts.ts";

const { POD = "", KEYTURN_HUB = "", CLIENT_URL = "", ISSUER_HOST = "", ISSUER_PORT = "8090" } = process.env;
const againMs = 250;
const patienceMs = 5000;

interface Peer {
  readonly subject: string;
  readonly instanceId: string;
}

interface Delivery {
  readonly peer: Peer;
  readonly lineage: string;
  readonly seq: number;
  readonly id: string;
  readonly payload: Uint8Array;
  readonly redelivered: boolean;
}

interface HubFrame {
  readonly delivery?: Delivery;
  readonly sent?: { readonly peer: Peer; readonly id: string; readonly outcome: string };
}

const hub = new Client(KEYTURN_HUB, credentials.createInsecure());
const keyOf = ({ subject, instanceId }: Peer, id: string): string => JSON.stringify([subject, instanceId, id]);
let stream: ClientDuplexStream<object, HubFrame> | undefined;
/** Who waits for what became of an echo. */
const waiting = new Map<string, (outcome: string) => void>();
/** Of each client what is done with its messages, one after the other. */
const chains = new Map<string, Promise<void>>();
let [underWay, isEnding] = [0, false];

function endIfIdle(): void {
  if (isEnding && underWay === 0) process.exit(0);
}

async function write(entry: LedgerEntry): Promise<void> {
  const headers = { "content-type": "application/json" };
  for (;;) {
    const signal = AbortSignal.timeout(patienceMs);
    const request = { method: "POST", headers, body: JSON.stringify(entry), signal };
    const answer = await fetch(`${CLIENT_URL}/ledger`, request).catch(String);
    if (typeof answer !== "string" && answer.ok) return;
    await after(againMs);
  }
}

/** Said again with the same id where nobody was there to hear it, or too much waited. */
async function echo({ peer, id, payload }: Delivery): Promise<void> {
  const echoId = `echo ${id}`;
  for (;;) {
    const outcome = await new Promise<string>((resolve) => {
      waiting.set(keyOf(peer, echoId), resolve);
      stream?.write({ send: { peer, id: echoId, payload } });
    });
    if (outcome === "delivered") return;
    console.log(`${peer.instanceId} ${echoId}: ${outcome}`);
    // It has left for good, or is elsewhere: whoever has it there hears it
    if (outcome === "gone") return;
    await after(againMs);
  }
}

async function take(delivery: Delivery): Promise<void> {
  const { peer, lineage, seq, id, redelivered } = delivery;
  await write({ word: randomUUID(), pod: POD, instance: peer.instanceId, id, redelivered });
  stream?.write({ taken: { peer, lineage, seq } });
  await echo(delivery);
}

function heard({ delivery, sent }: HubFrame): void {
  if (sent) {
    waiting.get(keyOf(sent.peer, sent.id))?.(sent.outcome);
    waiting.delete(keyOf(sent.peer, sent.id));
  }
  if (delivery === undefined) return;
  const name = keyOf(delivery.peer, "");
  underWay++;
  const chain = (chains.get(name) ?? Promise.resolve()).then(() => take(delivery));
  chains.set(
    name,
    chain.finally(() => {
      underWay--;
      endIfIdle();
    }),
  );
}

async function attach(): Promise<void> {
  const method = hubDefinition["Attach"];
  if (method === undefined) throw new Error("there is no method Attach");
  const { path, requestSerialize, responseDeserialize } = method;
  stream = hub.makeBidiStreamRequest(path, requestSerialize, responseDeserialize as (bytes: Buffer) => HubFrame);
  stream.on("data", heard);
  stream.on("error", (error) => console.log(String(error)));
  await once(stream, "status").catch(() => undefined);
  for (const answer of waiting.values()) answer("away");
  waiting.clear();
}

createServer((socket) => {
  const upstream = connect(80, ISSUER_HOST);
  for (const [one, other] of [
    [socket, upstream],
    [upstream, socket],
  ] as const)
    one.on("error", () => other.destroy()).pipe(other);
}).listen(Number(ISSUER_PORT), "127.0.0.1");

process.on("SIGTERM", () => {
  isEnding = true;
  endIfIdle();
});
for (;;) {
  await attach().catch((error: unknown) => console.log(String(error)));
  await after(againMs);
}
