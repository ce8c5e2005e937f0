// The agent's proxy before one upstream, in a process of its own: the arguments are the port of the upstream and its own.
process.on("SIGINT", () => process.exit());
import { startProxy } from "../../../src/agent/proxy/start-proxy.ts";
import { openIdentities } from "../../../src/agent/identities/open-identities.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { identitySpec } from "../../agent/support/memory-identities.ts";
import { givingIssuer, quiet } from "./quiet-agent.ts";

const [, , upstreamPort = "", port = ""] = process.argv;
const identities = await openIdentities({
  spec: { identities: [identitySpec("shop")], proxies: [], sockets: [] },
  startWithout: false,
  openSource: () => givingIssuer(28_800),
  openSinks: () => [],
  notify: () => Promise.resolve(),
  ...{ clock: systemClock, chance: Math.random, log: quiet },
});
await startProxy(
  {
    listen: { kind: "tcp", host: "127.0.0.1", port: Number(port) },
    upstream: new URL(`http://127.0.0.1:${upstreamPort}`),
    identity: "shop",
  },
  { identities, clock: systemClock, log: quiet },
);
