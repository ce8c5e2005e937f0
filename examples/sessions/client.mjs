// A client of sessions: sends each line that you type, prints what comes back, and how its session is.
//
//   npm install @keyturn/client
//   node client.mjs ws://127.0.0.1:8083/sessions COMMAND...    COMMAND prints a token, a newer one each time
import { execFile } from "node:child_process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { SessionClient } from "@keyturn/client/sessions";

const [url, program, ...args] = process.argv.slice(2);
const session = new SessionClient({
  url,
  instanceId: "one",
  keeper: { get: async () => (await promisify(execFile)(program, args)).stdout.trim() },
  onState: ({ kind, end }) => console.log(end ? `${kind}: ${end.code}, ${end.reason}` : kind),
  onMessage: (message) => console.log(`heard: ${message.text()}`),
});

for await (const line of createInterface({ input: process.stdin })) {
  await session.send(line).catch(({ message }) => console.log(message));
}
await session.close();
