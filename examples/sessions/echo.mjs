// An application beside the gateway: it sends each message back to whom it came from. Put your own work in the place of `answer`.
//
//   npm install @grpc/grpc-js @grpc/proto-loader
//   KEYTURN_HUB=unix:/run/keyturn/hub.sock node echo.mjs path/to/hub.proto
import { setTimeout as sleep } from "node:timers/promises";
import { credentials, loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const ours = new URL("../../proto/keyturn/sessions/v1/hub.proto", import.meta.url).pathname;
const [proto = ours] = process.argv.slice(2);
const { Hub } = loadPackageDefinition(loadSync(proto, { defaults: true, oneofs: true })).keyturn.sessions.v1;
const hub = new Hub(process.env.KEYTURN_HUB ?? "unix:/run/keyturn/hub.sock", credentials.createInsecure());
let pauseMs = 1000;

/** What this application is for. `claims` are those of the peer's token: look into them for what it may do. */
async function answer({ peer, lineage, seq, payload, claims }, send) {
  console.log(`${claims.sub} ${peer.instanceId} says ${payload}`);
  // The same message again has the same answer, with the same id: the peer gets it once
  await send(peer, `echo ${lineage} ${seq}`, payload);
}

/** Resolves when the hub has ended it. */
const attach = () =>
  new Promise((resolve) => {
    const stream = hub.attach();
    const keyOf = ({ subject, instanceId }, id = "") => JSON.stringify([subject, instanceId, id]);
    const answers = new Map();
    const work = new Map();

    /** What becomes of it: delivered, gone or refused. */
    async function send(peer, id, payload) {
      for (;;) {
        const heard = new Promise((hear) => answers.set(keyOf(peer, id), hear));
        stream.write({ send: { peer, id, payload } });
        const outcome = await heard;
        if (outcome !== "full") return outcome;
        await sleep(1000);
      }
    }

    /** A peer's messages one after the other, each taken when it is done: killed before that, the application gets it again. */
    async function handle({ claimsJson, ...message }) {
      const key = keyOf(message.peer);
      const mine = (work.get(key) ?? Promise.resolve()).then(async () => {
        await answer({ ...message, claims: JSON.parse(claimsJson) }, send);
        stream.write({ taken: message });
      });
      work.set(key, mine);
      await mine;
      if (work.get(key) === mine) work.delete(key);
    }

    stream.on("data", ({ ready, opened, closed, delivery, sent }) => {
      if (ready) pauseMs = 1000;
      if (ready) console.log("attached");
      if (opened) console.log(`${opened.peer.instanceId} is there`);
      if (closed) console.log(`${closed.peer.instanceId} is gone ${closed.code}`);
      if (delivery) void handle(delivery);
      if (sent) answers.get(keyOf(sent.peer, sent.id))?.(sent.outcome);
      if (sent) answers.delete(keyOf(sent.peer, sent.id));
    });
    stream.on("error", () => undefined);
    stream.on("status", resolve);
  });

for (;;) {
  const { details, metadata } = await attach();
  console.log(`not attached: ${details}`);
  // Another application has taken over, or this one breaks the protocol
  if (metadata.get("keyturn-retry")[0] === "false") process.exit(1);
  await sleep(pauseMs);
  pauseMs = Math.min(2 * pauseMs, 30_000);
}
