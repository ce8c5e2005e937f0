// A client with a session: an agent beside it keeps its token fresh, @keyturn/client/sessions the session. Sends two messages a second, each of which is
// answered with an echo, and tells how that goes. The first pod of its StatefulSet speaks gRPC, the others WebSocket.
import { setTimeout as after } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import { grpcTransport, SessionClient, type SessionState, TryLaterError } from "../../../src/client/sessions.ts";
import { otherToken, partOf, tokenInFile } from "./agent.ts";
import type { SessionReport } from "./session-counts.ts";

const { POD = "", CLIENT_URL = "", WEB_SOCKET_URL = "", GRPC_URL = "" } = process.env;
const everyMs = 500;
const patienceMs = 5000;
/** Messages on their way: fewer than the gateway lets wait. */
const mostUnderWay = 30;

const transport = POD.endsWith("-0") ? "gRPC" : "WebSocket";
const [confirmed, echoed] = [new Set<number>(), new Set<number>()];
const [twice, inDoubt, ends]: [string[], string[], string[]] = [[], [], []];
let [sent, sessions, token, ended] = [0, 0, "", ""];
let sessionId = "";

const keeper = {
  get: async () => (token = await tokenInFile()),
  refused: async (refused: string) => (token = await otherToken(refused)),
};

function note(state: SessionState): void {
  if (state.kind === "open" && state.sessionId !== sessionId) {
    sessionId = state.sessionId;
    sessions++;
  }
  if (state.kind === "waiting") ends.push(state.end.code);
  if (state.kind === "ended") ended = state.end.code;
  console.log(JSON.stringify(state));
}

const client = new SessionClient({
  ...{ instanceId: POD, keeper, plainText: true, onState: note },
  ...(transport === "gRPC" ? { url: GRPC_URL, transport: grpcTransport(grpc) } : { url: WEB_SOCKET_URL }),
  onMessage: (message) => {
    const number = Number(message.text());
    if (echoed.has(number)) twice.push(message.id);
    echoed.add(number);
  },
});

/** The same message again where nobody can say whether it has arrived: two with one id are one. */
async function send(number: number): Promise<void> {
  for (;;) {
    try {
      await client.send(String(number), { id: String(number) });
      confirmed.add(number);
      return;
    } catch (error) {
      if (!(error instanceof TryLaterError)) return;
      console.log(error.message);
      if (error.code === "InDoubt") inDoubt.push(String(number));
      await tell();
      await after(everyMs);
    }
  }
}

/** All of them up to this one are there. */
function upTo(numbers: ReadonlySet<number>): number {
  let last = 0;
  while (numbers.has(last + 1)) last++;
  return last;
}

async function tell(): Promise<void> {
  const parts = token === "" ? [{}, {}] : [partOf(token, 0), partOf(token, 1)];
  const report: SessionReport = {
    ...{ instance: POD, transport, sent, confirmed: upTo(confirmed), echoed: upTo(echoed), twice, inDoubt },
    ...{ sessions, ends, ended, grant: parts[1]?.sid ?? "", kid: parts[0]?.kid ?? "" },
  };
  const headers = { "content-type": "application/json" };
  const signal = AbortSignal.timeout(patienceMs);
  await fetch(`${CLIENT_URL}/sessions`, { method: "POST", headers, body: JSON.stringify(report), signal }).catch(
    (error: unknown) => console.log(String(error)),
  );
}

process.on("SIGTERM", () => process.exit(0));
for (;;) {
  if (ended === "" && sent - confirmed.size < mostUnderWay) void send(++sent);
  await tell();
  await after(everyMs);
}
