import { ChangeNeededError, type KeyturnError, TryLaterError } from "../../errors/keyturn-error.ts";
import type { ClockWatch } from "../../identity/clock-watch.ts";
import { IdentityDriver } from "../../identity/identity-driver.ts";
import type { FreshToken } from "../../identity/kept-identity.ts";
import type { IdentityNews } from "../../identity/machine/identity-state.ts";
import type { PairIssuer } from "../../identity/pair-issuer.ts";
import type { PairStore } from "../../identity/store/pair-store.ts";
import { formatInstant } from "../../parse/instant.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Chance } from "../../time/backoff.ts";
import type { Clock } from "../../time/clock.ts";
import type { AgentIdentity, AgentIdentityStatus, SinkProblem } from "../agent-identities.ts";
import type { IdentitySpec } from "../agent-spec.ts";
import type { Sink } from "../sinks/sink.ts";
import type { AgentNews } from "./agent-news.ts";
import { eachOf } from "./each-of.ts";
import { isBusy } from "./issuers-of.ts";
import { KeptSinks } from "./kept-sinks.ts";
import { Notices } from "./notices.ts";

export interface OneIdentityParts {
  readonly issuer: PairIssuer;
  readonly store: PairStore;
  readonly sinks: readonly Sink[];
  /** Tells whoever is to be told of a new token. @throws KeyturnError */
  readonly notify: (identity: IdentitySpec) => Promise<void>;
  readonly clock: Clock;
  readonly watch: ClockWatch;
  readonly chance: Chance;
  readonly log: Log;
  readonly onNews: (news: AgentNews) => void;
  /** Who has its name by now, if that is another one. */
  readonly successor: () => AgentIdentity | undefined;
}

/** One identity of an agent: its token kept, written to its places, and then told of. */
export class OneIdentity implements AgentIdentity {
  readonly spec: IdentitySpec;
  origin: AgentIdentityStatus["origin"];
  readonly #parts: OneIdentityParts;
  readonly #driver: IdentityDriver;
  readonly #sinks: KeptSinks;
  #begun: Promise<void> = Promise.resolve();
  #started: Promise<void> = Promise.resolve();
  /** Everything that was begun with a new token. */
  #written: Promise<void> = Promise.resolve();
  #tokenId: string | undefined;
  readonly #notices: Notices;
  /** What comes from now on is no pair that was found. */
  #isBegun = false;
  #isEnded = false;
  #onOutcome: (() => void) | undefined;

  constructor(spec: IdentitySpec, origin: AgentIdentityStatus["origin"], parts: OneIdentityParts) {
    const { issuer, store, clock, watch, chance } = parts;
    this.spec = spec;
    this.origin = origin;
    this.#parts = parts;
    this.#sinks = new KeptSinks(parts.sinks, {
      ...{ clock, chance },
      onWritten: () => {
        if (spec.notify !== undefined && !this.#isEnded) this.#notices.begin();
      },
      onProblem: (problem) => this.#sinkFailed(problem),
    });
    this.#notices = new Notices(
      () => parts.notify(spec),
      (error) => this.#notTold(error),
    );
    const onChange = (news: IdentityNews): void => this.#heard(news);
    this.#driver = new IdentityDriver({ issuer, store, keep: spec.keep, clock, watch, chance, onChange });
  }

  /**
   * Begins with what the disk has, and goes on trying where there is no token yet. What the disk has against that is said in the status.
   *
   * @param after - The end of the one before it on the same store
   */
  begin(after?: Promise<void>): Promise<void> {
    this.#begun = this.#begin(after);
    return this.#begun;
  }

  async #begin(after?: Promise<void>): Promise<void> {
    await after;
    const stored = await this.#parts.store.read().catch(() => undefined);
    this.#started = this.#driver.start(stored, true);
    this.#isBegun = true;
  }

  /** Resolves once it is known whether there is a token, and its places were tried. */
  async settled(): Promise<void> {
    await this.#begun;
    await this.#started;
    const { token, trouble } = this.#driver.status();
    if (token === undefined && isBusy(trouble)) {
      await new Promise<void>((resolve) => {
        this.#onOutcome = resolve;
      });
    }
    await this.#written;
  }

  token(): Promise<FreshToken> {
    return this.#orOf(
      () => this.#driver.token(),
      (successor) => successor.token(),
    );
  }

  /** Whoever asks by hand finds the new token in the files, too. */
  refresh(): Promise<FreshToken> {
    const than = this.#tokenId;
    return this.#orOf(
      async () => {
        const token = await this.#driver.refresh();
        await this.#written;
        return token;
      },
      async (successor) => {
        // What was under way may have brought him the new token
        const other = than === undefined ? undefined : await successor.refused(than);
        return other ?? successor.refresh();
      },
    );
  }

  async refused(tokenId: string): Promise<FreshToken | undefined> {
    await this.#begun;
    const other = await this.#driver.refused(tokenId);
    return other ?? (this.#isEnded ? this.#parts.successor()?.refused(tokenId) : undefined);
  }

  /** Who still waits when another one takes its place is answered by that one. */
  async #orOf(
    own: () => Promise<FreshToken>,
    ofOther: (successor: AgentIdentity) => Promise<FreshToken>,
  ): Promise<FreshToken> {
    const wasEnded = this.#isEnded;
    try {
      await this.#begun;
      return await own();
    } catch (error) {
      const successor = this.#isEnded && !wasEnded ? this.#parts.successor() : undefined;
      if (successor === undefined) throw error;
      return ofOther(successor);
    }
  }

  status(): AgentIdentityStatus {
    return {
      name: this.spec.name,
      origin: this.origin,
      ...this.#driver.status(),
      sinkProblems: this.#sinks.problems,
    };
  }

  /** Why there is no token; undefined where there is one. */
  missing(): KeyturnError | undefined {
    const { token, trouble } = this.#driver.status();
    if (token !== undefined || trouble === undefined) return undefined;
    const message = `Cannot begin with identity ${JSON.stringify(this.spec.name)}: ${trouble.message}`;
    return trouble.isFinal ? new ChangeNeededError(trouble.code, message) : new TryLaterError(trouble.code, message);
  }

  /** Where its pair lies. */
  get store(): PairStore {
    return this.#parts.store;
  }

  /** Its places are another one's from now on: what comes late is written there no more. Resolves when nothing is being written. */
  async leavePlaces(): Promise<void> {
    await this.#sinks.close();
  }

  /** Of its places it has those no more that are another one's, and those again that no longer are. Resolves when nothing is being written to the former. */
  async leaveTo(isOthers: (path: string) => boolean): Promise<void> {
    await this.#sinks.leave((index) => isOthers(this.spec.sinks[index]?.path ?? ""));
  }

  /** Ends it; what is on the disk and in its places stays there. */
  async close(): Promise<void> {
    this.#isEnded = true;
    await this.#begun;
    await this.#driver.close();
    await this.#restEnds();
  }

  /** Ends it at once, and its grant with it; its pair is on no disk then. Its places stay. @throws KeyturnError of the disk */
  async forget(): Promise<void> {
    this.#isEnded = true;
    await this.#begun;
    await this.#driver.forget();
    await this.#restEnds();
    // The driver ends whatever the disk says: whoever forgets an identity is to hear of it
    await this.#parts.store.remove();
  }

  /**
   * Takes away what it wrote: after its end, by who wrote it, who knows which directories were made for it.
   *
   * @param isTaken - Of a path: somebody else has it from now on, and it stays as it is
   * @throws KeyturnError
   */
  async emptyPlaces(isTaken: (path: string) => boolean): Promise<void> {
    const left = this.#parts.sinks.filter((_, index) => !isTaken(this.spec.sinks[index]?.path ?? ""));
    await eachOf(left, (sink) => sink.remove());
  }

  async #restEnds(): Promise<void> {
    this.#onOutcome?.();
    await this.#sinks.close();
    await this.#notices.end();
    this.#count("ended");
  }

  #heard(news: IdentityNews): void {
    const { log } = this.#parts;
    const identity = this.spec.name;
    if (news.kind === "troubled") {
      const { code, message, isFinal } = news.trouble;
      // Of an outage the first word is enough
      const level = this.#driver.status().failures === 1 ? "warn" : "debug";
      log[level]({ identity, code, why: message }, isFinal ? "no token: the issuer says no" : "no new token yet");
      if (isBusy(news.trouble)) return;
      this.#count(isFinal ? "denied" : "away");
    } else {
      const { pair } = news;
      const { accessToken, tokenId, life } = pair;
      this.#tokenId = tokenId;
      const { expiresAtMs } = life;
      const until = expiresAtMs === undefined ? {} : { until: formatInstant(expiresAtMs) };
      log.info({ identity, ...until }, this.#isBegun ? "a new token" : "begins with the token that it has");
      if (this.#isBegun) this.#count("renewed");
      this.#written = this.#sinks.write({ accessToken, tokenId, ...(expiresAtMs !== undefined && { expiresAtMs }) });
    }
    this.#onOutcome?.();
  }

  #sinkFailed({ place, message }: SinkProblem): void {
    this.#parts.log.warn({ identity: this.spec.name, place, why: message }, "a place has not got the new token");
    this.#count("sinkFailed");
  }

  #notTold(error: unknown): void {
    this.#parts.log.warn({ identity: this.spec.name, err: error }, "nobody could be told of the new token");
    this.#count("notifyFailed");
  }

  #count(outcome: AgentNews["outcome"]): void {
    this.#parts.onNews({ identity: this.spec.name, outcome });
  }
}
