import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { AgentSpec, IdentitySpec } from "../../../../src/agent/agent-spec.ts";
import type { AgentNews } from "../../../../src/agent/identities/agent-news.ts";
import type { IdentitiesOptions, OpenIdentities } from "../../../../src/agent/identities/identities-options.ts";
import { openIdentities } from "../../../../src/agent/identities/open-identities.ts";
import type { Sink } from "../../../../src/agent/sinks/sink.ts";
import { TryLaterError } from "../../../../src/errors/keyturn-error.ts";
import type { FreshToken } from "../../../../src/identity/kept-identity.ts";
import type { ExchangeFailure, ShownCredential } from "../../../../src/identity/machine/identity-state.ts";
import type { Issued, PairIssuer } from "../../../../src/identity/pair-issuer.ts";
import { jwtWith, secretText, startMs } from "../../../identity/support/pairs.ts";
import { FakeClock, turn } from "../../../support/fake-clock.ts";

/** Answers at once: by identity the nth pair, unless a test says otherwise. */
class AnsweringIssuer {
  /** What was asked, in order: `a first`, `a refresh 1`, `a revoke 1`. */
  readonly asked: string[] = [];
  /** By identity; `""`: for all. */
  readonly failures = new Map<string, ExchangeFailure>();
  readonly credentials = new Map<string, string>();
  /** Nobody is answered before this resolves. */
  hold: Promise<void> | undefined;
  lifeSeconds = 3600;
  refreshSeconds = 86_400;
  readonly #numbers = new Map<string, number>();

  readonly of = ({ name }: Pick<IdentitySpec, "name">): PairIssuer => ({
    ask: async (showing) => {
      this.asked.push(`${name} ${shownText(showing)}`);
      await this.hold;
      return this.#answer(name);
    },
    credentialId: () => Promise.resolve(this.credentials.get(name) ?? "credential 1"),
    revoke: (token) => {
      this.asked.push(`${name} revoke ${token.split("-x")[0] ?? ""}`);
      return Promise.resolve();
    },
  });

  #answer(name: string): Issued | ExchangeFailure {
    const failure = this.failures.get(name) ?? this.failures.get("");
    if (failure) return failure;
    const number = (this.#numbers.get(name) ?? 0) + 1;
    this.#numbers.set(name, number);
    return {
      kind: "issued",
      issued: {
        accessToken: jwtWith({ jti: `${name}-${number}`, text: secretText("access") }),
        expiresInSeconds: this.lifeSeconds,
        refreshToken: secretText(String(number)),
        refreshExpiresInSeconds: this.refreshSeconds,
      },
    };
  }
}

const shownText = (showing: ShownCredential): string =>
  showing.kind === "first" ? "first" : `refresh ${showing.token.split("-x")[0] ?? ""}`;

/** Places in memory: what lies there, by path. */
class MemoryPlaces {
  readonly texts = new Map<string, string>();
  readonly broken = new Set<string>();
  /** Each write, in order: `/path id`. */
  readonly written: string[] = [];
  readonly #writing = new Set<string>();
  #process = 0;

  /** Whoever has opened them is gone: what he writes goes nowhere. */
  lose(): void {
    this.#process++;
    this.#writing.clear();
  }

  isQuiet(path: string): boolean {
    return this.texts.has(path) && !this.#writing.has(path);
  }

  readonly of = ({ sinks }: Pick<IdentitySpec, "sinks">): readonly Sink[] => {
    const process = this.#process;
    return sinks.map(({ path }) => ({
      place: JSON.stringify(path),
      write: async ({ tokenId }: FreshToken) => {
        if (process !== this.#process) return;
        this.#writing.add(path);
        await turn();
        if (process !== this.#process) return;
        this.#writing.delete(path);
        if (this.broken.has(path))
          throw new TryLaterError("StorageUnavailable", `Cannot write ${JSON.stringify(path)}`);
        this.texts.set(path, tokenId);
        this.written.push(`${path} ${tokenId}`);
      },
      remove: () => {
        if (process === this.#process) this.texts.delete(path);
        return Promise.resolve();
      },
    }));
  };
}

export interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

/** An agent's identities on a clock that a test drives. */
export class AgentScene {
  readonly clock: FakeClock;
  readonly issuer = new AnsweringIssuer();
  readonly places = new MemoryPlaces();
  /** Names of those who were told of. */
  readonly told: string[] = [];
  readonly news: AgentNews[] = [];
  readonly lines: LogLine[] = [];
  stateDir: string | undefined;

  constructor(nowMs = startMs) {
    this.clock = new FakeClock(nowMs);
  }

  #draws = 0;
  /** As good as no jitter; but what is named by chance has a name of its own. */
  readonly #chance = (): number => ++this.#draws / 1e6;

  /** Ends with the test. */
  async open(specs: readonly IdentitySpec[], more: Partial<IdentitiesOptions> = {}): Promise<OpenIdentities> {
    const identities = await this.openUnowned(specs, more);
    onTestFinished(() => identities.close());
    return identities;
  }

  openUnowned(specs: readonly IdentitySpec[], more: Partial<IdentitiesOptions> = {}): Promise<OpenIdentities> {
    const { clock, issuer, places, stateDir } = this;
    const log = (level: string) => (fields: object, message: string) =>
      void this.lines.push({ level, fields, message });
    return openIdentities({
      ...{ spec: specOf(specs), startWithout: false, clock, chance: this.#chance },
      ...(stateDir !== undefined && { stateDir }),
      openSource: issuer.of,
      openSinks: places.of,
      notify: ({ name }) => {
        this.told.push(name);
        return Promise.resolve();
      },
      log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
      onNews: (news) => this.news.push(news),
      ...more,
    });
  }

  /**
   * The process dies, whatever it was about: what is on the disk now is all that there is, in a directory of its own. What it does after that
   * reaches nobody.
   */
  async crash(identities: OpenIdentities, dir: string): Promise<void> {
    this.places.lose();
    for (const name of ["identities", "registered"]) copyFiles(join(this.stateDir ?? "", name), join(dir, name));
    this.stateDir = dir;
    await identities.close();
  }

  /** Resolves when nothing is under way. */
  async settle(identities: OpenIdentities): Promise<void> {
    const isResting = (): boolean =>
      identities.all().every((one) => {
        const { nextAtMs, isSaved } = one.status();
        return nextAtMs !== undefined && isSaved && one.spec.sinks.every(({ path }) => this.places.isQuiet(path));
      });
    while (!isResting()) await turn();
  }
}

/** At one moment; a file may be renamed all the same. */
function copyFiles(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  for (const name of readdirSync(from)) {
    if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
  }
}

/** With an issuer for those that are registered. */
export const specOf = (identities: readonly IdentitySpec[], url = "https://issuer.example"): AgentSpec => ({
  issuer: { url: new URL(url) },
  identities,
  proxies: [],
  sockets: [],
});
