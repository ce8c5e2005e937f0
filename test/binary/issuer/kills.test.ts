import { randomInt } from "node:crypto";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { postgresNeeds, startPostgres } from "../../../hack/postgres.ts";
import { sidOf } from "../../../src/issuer/store/grant-row.ts";
import { openGrantStore } from "../../../src/issuer/store/open-grant-store.ts";
import { parseRefreshToken } from "../../../src/grants/refresh-token.ts";
import { IssuerHome } from "../../issuer/support/issuer-home.ts";
import { IssuerProgram } from "./issuer-program.ts";
import { RenewingClient } from "./renewing-client.ts";

const clientsWanted = 8;
const killsWanted = 5;

/** An issuer in a process of its own, and clients that renew as fast as they are answered. */
class Load {
  readonly program: IssuerProgram;
  readonly clients: readonly RenewingClient[];
  readonly #location: string;
  readonly #ended = new AbortController();
  readonly #renewing: Promise<unknown>;
  #look: () => void = () => undefined;

  private constructor(program: IssuerProgram, clients: readonly RenewingClient[], location: string) {
    this.program = program;
    this.clients = clients;
    this.#location = location;
    this.#renewing = Promise.all(clients.map((client) => this.#renew(client)));
    this.#renewing.catch(() => undefined);
  }

  static async begin(location: (home: IssuerHome) => string): Promise<Load> {
    const home = await IssuerHome.make();
    await home.writes({ generation: 5 });
    const from = ["--dir", home.dir, "--instance", "one", "--config", home.config, "--store", location(home)];
    const program = await IssuerProgram.begin({ args: ["issuer", ...from, "--request-rate", "100000"] });
    onTestFinished(async () => {
      await program.end("SIGKILL");
    });
    const clients = await Promise.all(
      Array.from({ length: clientsWanted }, () => RenewingClient.begin(program.address)),
    );
    return new Load(program, clients, location(home));
  }

  async #renew(client: RenewingClient): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await client.renew();
      this.#look();
    }
  }

  get renewals(): number {
    return this.clients.reduce((sum, { renewals }) => sum + renewals, 0);
  }

  /** Resolves after so many more renewals. @throws Error when a grant is lost before */
  async more(count: number): Promise<void> {
    const wanted = this.renewals + count;
    const reached = Promise.withResolvers<undefined>();
    this.#look = () => {
      if (this.renewals >= wanted) reached.resolve(undefined);
    };
    await Promise.race([reached.promise, this.#renewing]);
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await this.#renewing;
  }

  /** What the store says of each client's grant: its generation is that of the token. */
  async expectAllWhole(): Promise<void> {
    expect(await this.program.end()).toMatchObject({ code: 0, signal: null });
    const store = await openGrantStore(this.#location);
    for (const { refreshToken } of this.clients) {
      const token = parseRefreshToken(refreshToken);
      const { grant } = (token && (await store.find(token.grantId))) ?? {};
      expect(grant && [sidOf(grant.id), grant.generation, grant.revoked]).toEqual([
        token && sidOf(token.grantId),
        token?.generation,
        undefined,
      ]);
    }
    expect(await store.count(Date.now())).toBe(clientsWanted);
    await store.close();
    expect(this.program.said).not.toMatch(/grant\.reuse|"reason":"|"level":"error"/);
  }

  tell(what: string): void {
    const sum = (of: "lost" | "later" | "unheard"): number => this.clients.reduce((all, client) => all + client[of], 0);
    const kills = `${this.program.kills} kills of the issuer`;
    const answers = `${sum("lost")} answers lost, ${sum("later")} told to come again, ${sum("unheard")} not connected`;
    console.log(`${what}: ${this.renewals} renewals, ${kills}, ${answers}, 0 grants lost`);
  }
}

async function killAtRandom(load: Load): Promise<void> {
  for (let kill = 0; kill < killsWanted; kill++) {
    await load.more(randomInt(10, 150));
    await load.program.killAndRestart();
  }
  expect(load.clients.some(({ lost }) => lost > 0)).toBe(true);
}

describe("kill -9 under load", () => {
  test("of an issuer on SQLite, again and again, loses no grant", async () => {
    const load = await Load.begin(({ dir }) => `sqlite:${join(dir, "grants.db")}`);
    await killAtRandom(load);
    await load.more(50);
    await load.end();
    await load.expectAllWhole();
    load.tell("SQLite");
  });

  test("of an issuer on PostgreSQL, and of PostgreSQL itself, loses no grant", async ({ skip }) => {
    const missing = postgresNeeds();
    if (missing !== undefined) skip(missing);
    const server = await startPostgres();
    onTestFinished(() => server.remove());
    const load = await Load.begin(() => server.url());
    await killAtRandom(load);
    for (const end of [() => server.kill(), () => server.stop()]) {
      await load.more(randomInt(10, 150));
      await end();
      await server.start();
    }
    await load.more(50);
    await load.end();
    await load.expectAllWhole();
    load.tell("PostgreSQL, killed once and restarted once");
  });
});
