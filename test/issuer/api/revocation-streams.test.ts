import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RevocationFeed } from "../../../src/issuer/api/revocation-feed.ts";
import { RevocationStreams, type StreamsOptions } from "../../../src/issuer/api/revocation-streams.ts";
import type { ClientCaller, ForeignCaller } from "../../../src/issuer/callers/caller.ts";
import type { TokenIssuer } from "../../../src/issuer/config/token-issuer.ts";
import type { GrantStore } from "../../../src/issuer/store/grant-store.ts";
import { openGrantStore } from "../../../src/issuer/store/open-grant-store.ts";
import { TryLaterError } from "../../../src/errors/keyturn-error.ts";
import { FakeClock, turn } from "../../support/fake-clock.ts";
import { clientWith, issuerWith, ruleWith, trustWith } from "../support/token-issuers.ts";

const hourMs = 3_600_000;
const audiences = ["api"];

const fileThat = (watchRevocations: boolean, more: object = {}): TokenIssuer => {
  const allow = { audiences, watchRevocations };
  const jwksURL = "https://partner.example/keys";
  const rules = [ruleWith({ name: "pods", allow })];
  return issuerWith({ clients: [clientWith({ allow })], trust: [trustWith({ jwksURL, rules })], ...more });
};

/** Streams of a real log, read by nobody until somebody does. */
class World {
  readonly clock = new FakeClock();
  readonly closing = new AbortController();
  config = fileThat(true);
  /** The log can't be read. */
  isAway = false;
  /** How often the log was read. */
  readings = 0;
  readonly #folder: string;
  readonly store: GrantStore;
  readonly #running: Promise<void>;
  readonly #feed: RevocationFeed;

  constructor(folder: string, store: GrantStore) {
    this.#folder = folder;
    this.store = store;
    const log = {
      revokeToken: () => Promise.reject(new Error("not here")),
      revocations: () => Promise.reject(new Error("not here")),
      pruneRevocations: () => Promise.reject(new Error("not here")),
      onRevocation: (listener: () => void) => store.onRevocation(listener),
      revocationsAfter: (seq: number, limit: number) => {
        this.readings += 1;
        return this.isAway
          ? Promise.reject(new TryLaterError("StoreAway", "Cannot read"))
          : store.revocationsAfter(seq, limit);
      },
    };
    this.#feed = new RevocationFeed(log, this.clock.nowMs);
    const options = { clock: this.clock, chance: () => 0.5, onProblem: () => undefined };
    this.#running = this.#feed.run(log, this.closing.signal, options);
  }

  static async open(): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "keyturn-streams-"));
    const world = new World(folder, await openGrantStore(`sqlite:${join(folder, "grants.db")}`));
    await world.#feed.hasBegun(1, world.clock);
    return world;
  }

  streams(change: Partial<StreamsOptions> = {}): RevocationStreams {
    const notHere = () => Promise.reject(new Error("not here"));
    const inForce = (): TokenIssuer => this.config;
    const callers = {
      ...{ authenticate: notHere, verify: notHere },
      get config() {
        return inForce();
      },
    };
    const parts = { nowMs: this.clock.nowMs, callers };
    return new RevocationStreams(parts, this.#feed, {
      ...{ clock: this.clock, chance: () => 0, closing: this.closing.signal, ...change },
    });
  }

  revoke(jti: string, endsAtMs = this.clock.nowMs() + hourMs): Promise<void> {
    return this.store.revokeToken(jti, { nowMs: this.clock.nowMs(), endsAtMs });
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.#running;
    await this.store.close();
    await rm(this.#folder, { recursive: true });
  }
}

let world: World;
beforeEach(async () => {
  world = await World.open();
});
afterEach(() => world.close());

const { allowed } = fileThat(true).clients[0] ?? {};
if (allowed === undefined) throw new Error("the file has no client");
const client: ClientCaller = { kind: "client", clientId: "dashboard", subject: "dashboard", claims: {}, allowed };
const pod = (expiresAtMs: number): ForeignCaller => ({
  ...{ kind: "foreign", issuer: "https://partner.example", foreignSubject: "p", subject: "p", claims: {}, allowed },
  ...{ trust: "partner", rule: "pods", expiresAtMs },
});

/** Reads what it says, bit by bit. */
class Reader {
  text = "";
  isEnded = false;

  constructor(stream: Readable) {
    stream.on("data", (chunk: Buffer) => (this.text += chunk.toString()));
    stream.on("close", () => (this.isEnded = true));
  }

  /** The values that were said, and `current` where it knew that this was all. */
  get said(): readonly string[] {
    return [...this.text.matchAll(/^(?:event: (current)|data: .*"value":"([^"]+)")/gm)].map(
      ([, word, value]) => word ?? value ?? "",
    );
  }

  async until(isSo: (reader: this) => boolean): Promise<void> {
    for (let turns = 0; !isSo(this); turns++) {
      if (turns === 100_000) throw new Error(`this is all that was said: ${this.said.slice(-5).join()}`);
      await turn();
    }
  }
}

const read = (caller: ClientCaller | ForeignCaller = client, after = 0): Reader =>
  new Reader(world.streams().open(caller, after));

describe("RevocationStreams", () => {
  it("says what is in force, that this is all, and each that comes", async () => {
    await world.revoke("a");
    await world.revoke("over", world.clock.nowMs());
    const reader = read();
    await reader.until(({ said }) => said.includes("current"));
    await world.revoke("b");
    await reader.until(({ said }) => said.length >= 4);
    expect(reader.said).toEqual(["a", "current", "b", "current"]);
  });

  it("goes on after the one that is known; after one that its log never had, with everything", async () => {
    for (const jti of ["a", "b", "c"]) await world.revoke(jti);
    const all = await world.store.revocationsAfter(0, 10);
    const reader = read(client, all[0]?.seq);
    await reader.until(({ said }) => said.includes("current"));
    expect(reader.said).toEqual(["b", "c", "current"]);
    const ahead = read(client, Number.MAX_SAFE_INTEGER);
    await ahead.until(({ said }) => said.includes("current"));
    expect(ahead.said).toEqual(["a", "b", "c", "current"]);
  });

  it("says every ten seconds that it lives, but not that it knows all while the log is away", async () => {
    const reader = read();
    await reader.until(({ said }) => said.length >= 1);
    await world.clock.advance(10_000);
    await reader.until(({ said }) => said.length >= 2);
    world.isAway = true;
    await world.clock.advance(5000);
    const { length } = reader.text;
    await world.clock.advance(10_000);
    await reader.until(({ text }) => text.length > length);
    expect(reader.text.slice(length)).toMatch(/^(:\n\n)+$/);
    world.isAway = false;
    await world.clock.advance(20_000);
    await reader.until(({ said }) => said.length >= 3);
  });

  it("one revocation is one reading of the log, whoever hears of it", async () => {
    const streams = world.streams();
    const readers = Array.from({ length: 50 }, () => new Reader(streams.open(client, 0)));
    for (const reader of readers) await reader.until(({ said }) => said.includes("current"));
    const before = world.readings;
    await world.revoke("a");
    for (const reader of readers) await reader.until(({ said }) => said.includes("a"));
    expect(world.readings - before).toBeLessThanOrEqual(2);
  });

  it("reads no more than a page ahead of a slow reader, who then hears everything, in order", async () => {
    const values = Array.from({ length: 5000 }, (_, index) => `t${index}`);
    for (let from = 0; from < values.length; from += 500)
      await Promise.all(values.slice(from, from + 500).map((value) => world.revoke(value)));
    const stream = world.streams().open(client, 0);
    await once(stream, "readable");
    for (let wait = 0; wait < 50; wait++) await turn();
    expect(stream.readableLength).toBeLessThan(32_768);
    const reader = new Reader(stream);
    await reader.until(({ said }) => said.includes("current"));
    expect(reader.said.toSorted()).toEqual([...values, "current"].toSorted());
    expect(new Set(reader.said).size).toBe(values.length + 1);
  });

  it("are bounded in number, and one that ends makes room", () => {
    const streams = world.streams({ mostStreams: 1 });
    const first = streams.open(client, 0);
    expect(() => streams.open(client, 0)).toThrow(
      expect.objectContaining({
        answer: expect.objectContaining({ status: 503, code: "TooMany", headers: { "retry-after": "1" } }) as unknown,
      }) as Error,
    );
    first.destroy();
    return once(first, "close").then(() => expect(() => streams.open(client, 0).destroy()).not.toThrow());
  });
});

describe("a stream of revocations ends", () => {
  const begun = async (caller?: ClientCaller | ForeignCaller): Promise<Reader> => {
    const reader = read(caller);
    await reader.until(({ said }) => said.includes("current"));
    return reader;
  };

  it("with its reader's token", async () => {
    const reader = await begun(pod(world.clock.nowMs() + 25_000));
    await world.clock.advance(24_999);
    expect(reader.isEnded).toBe(false);
    await world.clock.advance(1);
    await reader.until(({ isEnded }) => isEnded);
  });

  it.each<[string, TokenIssuer]>([
    ["the client has left the file", fileThat(true, { clients: [] })],
    ["the right is taken from it", fileThat(false)],
  ])("within ten seconds when %s", async (_, config) => {
    const reader = await begun();
    world.config = config;
    await world.clock.advance(10_000);
    await reader.until(({ isEnded }) => isEnded);
  });

  it.each<[string, TokenIssuer]>([
    ["its issuer has left the file", fileThat(true, { trust: [] })],
    ["the right is taken from its rule", fileThat(false)],
  ])("within ten seconds when %s", async (_, config) => {
    const reader = await begun(pod(world.clock.nowMs() + hourMs));
    world.config = config;
    await world.clock.advance(10_000);
    await reader.until(({ isEnded }) => isEnded);
  });

  it("after an hour at the latest, a quarter sooner by chance: a secret may have changed", async () => {
    const reader = await begun();
    const early = new Reader(world.streams({ chance: () => 1 }).open(client, 0));
    await early.until(({ said }) => said.includes("current"));
    world.clock.freeze(0.75 * hourMs);
    await world.clock.advance(0);
    await early.until(({ isEnded }) => isEnded);
    expect(reader.isEnded).toBe(false);
    world.clock.freeze(0.25 * hourMs);
    await world.clock.advance(0);
    await reader.until(({ isEnded }) => isEnded);
  });

  it("with the server, also for a reader who reads nothing", async () => {
    const reader = await begun();
    const deaf = world.streams().open(client, 0);
    world.closing.abort();
    await reader.until(({ isEnded }) => isEnded);
    await world.clock.advance(1000);
    expect(deaf.destroyed).toBe(true);
    const late = world.streams().open(client, 0);
    await world.clock.advance(1000);
    expect(late.destroyed).toBe(true);
  });
});
