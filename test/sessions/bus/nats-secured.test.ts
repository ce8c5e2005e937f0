import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../hack/free-port.ts";
import { natsNeeds } from "../../../hack/nats.ts";
import { natsBus, type NatsBus, type NatsBusOptions } from "../../../src/sessions/bus/nats/nats-bus.ts";
import type { SessionBus } from "../../../src/sessions/bus/session-bus.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { newAuthority } from "../../kube/support/certificates.ts";
import { makeAccount } from "./support/nats-operator.ts";
import { answered, Nats, reconnected } from "./support/nats.ts";

let folder = "";

beforeEach((context) => {
  const missing = natsNeeds();
  if (missing !== undefined) context.skip(missing);
  folder = mkdtempSync(join(tmpdir(), "keyturn-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function open(options: Omit<NatsBusOptions, "clock" | "prefix">): NatsBus {
  const bus = natsBus({ prefix: "shop.sessions", clock: systemClock, ...options });
  onTestFinished(() => bus.close());
  return bus;
}

const there = async (bus: NatsBus): Promise<void> => (bus.isConnected ? undefined : reconnected(bus));

/** What comes back of a word that one says to the other; undefined: nobody hears. */
const asked = (bus: SessionBus, topic: string, word: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const stop = bus.ask(topic, Buffer.from(word), (answer) => {
      stop();
      resolve(answer === undefined ? undefined : Buffer.from(answer).toString());
    });
  });

const echo = (bus: SessionBus, topic: string): unknown =>
  bus.listen(topic, (word, answer) => answer(Buffer.from(`${Buffer.from(word).toString()} heard`)));

describe("a nats-server with TLS, and users whose credentials are for one prefix", () => {
  const authority = newAuthority("right");
  const url = (nats: Nats): string => `tls://127.0.0.1:${nats.port}`;

  async function secured() {
    const account = makeAccount();
    const { cert, key } = authority.issue("nats");
    const tls = `tls { cert_file: "${file("nats.crt", cert)}", key_file: "${file("nats.key", key)}" }\n`;
    const nats = await Nats.started(["-c", file("nats.conf", account.configuration + tls)]);
    return { nats, account, caFile: file("ca.crt", authority.cert) };
  }

  test("gateways with a user's credentials and the CA hear each other", async () => {
    const { nats, account, caFile } = await secured();
    const credentialsFile = file("bus.creds", account.credentials("shop.sessions"));
    const [one, other] = [1, 2].map(() => open({ servers: [url(nats)], caFile, credentialsFile })) as [
      NatsBus,
      NatsBus,
    ];
    await Promise.all([there(one), there(other)]);
    echo(other, "alice");
    expect(await asked(other, "warm", "up")).toBeUndefined();
    expect(await asked(one, "alice", "hello")).toBe("hello heard");
    expect(await asked(one, "bob", "hello")).toBeUndefined();
  });

  test("one of another prefix is refused there, which is said", async () => {
    const { nats, account, caFile } = await secured();
    const credentialsFile = file("bus.creds", account.credentials("bank.sessions"));
    const refused = Promise.withResolvers<string>();
    const observer = { changed: () => undefined, failed: ({ message }: Error) => refused.resolve(message) };
    open({ servers: [url(nats)], caFile, credentialsFile, observer });
    expect(await refused.promise).toMatch(/permission/i);
  });

  test.each([
    { what: "no credentials", credentials: false, ca: "right", why: /authorization/i },
    { what: "another CA", credentials: true, ca: "wrong", why: /certificate/i },
  ])("with $what there is no bus, and it is said why", async ({ credentials, ca, why }) => {
    const { nats, account } = await secured();
    const caFile = file(`${ca}.crt`, (ca === "right" ? authority : newAuthority(ca)).cert);
    const credentialsFile = file("bus.creds", account.credentials("shop.sessions"));
    const refused = Promise.withResolvers<string>();
    const observer = { changed: () => undefined, failed: ({ message }: Error) => refused.resolve(message) };
    const bus = open({ servers: [url(nats)], caFile, ...(credentials && { credentialsFile }), observer });
    expect(await refused.promise).toMatch(why);
    expect(bus.isConnected).toBe(false);
  });
});

describe("a cluster of nats-servers", () => {
  async function cluster(): Promise<readonly [Nats, Nats]> {
    const routes = [await freePort(), await freePort()] as const;
    const args = (own: number, other: number): readonly string[] => [
      ...["--cluster_name", "keyturn", "--cluster", `nats://127.0.0.1:${own}`, "--routes", `nats://127.0.0.1:${other}`],
    ];
    return [await Nats.started(args(...routes)), await Nats.started(args(routes[1], routes[0]))];
  }

  test("gateways at different servers hear each other, and one whose server dies goes on at the other", async () => {
    const [first, second] = await cluster();
    const near = open({ servers: [first.url] });
    const far = open({ servers: [second.url] });
    await Promise.all([there(near), there(far)]);
    echo(far, "alice");
    echo(near, "bob");
    // Until the route stands, and the other side has heard of it
    await answered(near, ["alice", "hello"], "hello heard");
    await answered(far, ["bob", "hello"], "hello heard");
    await first.kill();
    // It has heard of the other server by itself
    await answered(far, ["bob", "again"], "again heard");
    await answered(near, ["alice", "again"], "again heard");
  });
});
