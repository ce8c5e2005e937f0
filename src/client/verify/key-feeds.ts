import { KeyturnError } from "../../errors/keyturn-error.ts";
import { DirDocument } from "../../files/dir-document.ts";
import { nodeDisk } from "../../files/disk.ts";
import { FetchError, fetchText } from "../../http/fetch-text.ts";
import type { Verifier } from "../../jwt/verifier.ts";
import type { Chance } from "../../time/backoff.ts";
import type { Clock } from "../../time/clock.ts";
import { Refreshed } from "../../time/refreshed.ts";
import type { KeysInForce } from "./keys-in-force.ts";
import type { ReadSource } from "./verifier-options.ts";

/** Keeps keys as their source has them. */
export interface KeyFeed {
  /** Resolves when the source was asked once, whatever became of it; goes on until {@link close}. */
  start(): Promise<void>;
  /** Undefined: there are no keys, or none that are fresh enough. */
  current(): Verifier | undefined;
  /** For a token whose key is not there, as {@link Refreshed.again}. */
  again(): ReturnType<Refreshed<Verifier>["again"]>;
  close(): void;
}

/** What comes from outside, beside the keys. */
export interface FeedPorts {
  readonly clock: Clock;
  /** For what nobody waits for. */
  readonly background: Clock;
  readonly chance: Chance;
}

export function feedOf(source: ReadSource, keys: KeysInForce, around: FeedPorts): KeyFeed {
  switch (source.kind) {
    case "url":
      return urlFeed(source, keys, around);
    case "directory":
      return directoryFeed(source.directory, keys, around);
    case "text":
      keys.take(source.text);
      return { ...notAsked(keys), start: () => Promise.resolve(), close: () => undefined };
    default:
      return source satisfies never;
  }
}

/** A source that says by itself when it changes: a missing key is no reason to ask it. */
const notAsked = (keys: KeysInForce): Pick<KeyFeed, "current" | "again"> => ({
  current: () => keys.verifier,
  again: () => Promise.resolve("not due"),
});

/** In milliseconds. */
export const feedTimes = {
  /** From the beginning of one load to that of the next, at least, whatever keys tokens name. */
  intervalMs: 10_000,
  /** The same, where copies are good for less; so long a token waits for it, too. */
  shortestMs: 1000,
  /** Where nobody says how long a copy is good. */
  usualRefreshMs: 300_000,
  /** Keys are this old at most while their source answers, whatever it says. */
  longestRefreshMs: 3_600_000,
  /** So long keys are used while their source is away. */
  staleMs: 86_400_000,
};

/** So long one answer may take, in milliseconds. */
const timeoutMs = 5000;
/** More than any set of keys has, in bytes. */
const limit = 262_144;
const accept = "application/jwk-set+json, application/json";

function urlFeed({ url, ca }: Extract<ReadSource, { kind: "url" }>, keys: KeysInForce, around: FeedPorts): KeyFeed {
  const { clock, background, chance } = around;
  const { intervalMs, shortestMs, staleMs } = feedTimes;
  const trust = ca === undefined ? {} : { ca };
  const refreshed = new Refreshed({
    ...{ clock, background, intervalMs, patienceMs: shortestMs, staleMs },
    load: async (signal) => {
      const { text, freshForMs } = await fetchText(url, { clock, signal, timeoutMs, limit, accept, ...trust });
      return { value: keys.take(text), ...whenAgain(freshForMs, chance) };
    },
    tell: (problem) => {
      if (problem !== undefined) keys.miss(problemOf(problem));
    },
  });
  return {
    start: () => refreshed.start(),
    current: () => refreshed.current(),
    again: () => refreshed.again(),
    close: () => refreshed.close(),
  };
}

/**
 * When to load again: within the time for which a copy is good, and a little earlier, so that not all come at once. What is not to be
 * kept is kept all the same, since nobody can ask for each token; but a key that it lacks is looked for as often as may be.
 */
function whenAgain(freshForMs: number | undefined, chance: Chance): { refreshMs: number; intervalMs: number } {
  const { intervalMs, shortestMs, usualRefreshMs, longestRefreshMs } = feedTimes;
  const within = (least: number, ms: number, most: number): number => Math.min(most, Math.max(least, ms));
  const lifeMs = freshForMs === 0 ? intervalMs : (freshForMs ?? usualRefreshMs);
  return {
    refreshMs: within(shortestMs, lifeMs * (1 - chance() / 10), longestRefreshMs),
    intervalMs: within(shortestMs, freshForMs ?? intervalMs, intervalMs),
  };
}

function directoryFeed(dir: string, keys: KeysInForce, { background: clock }: FeedPorts): KeyFeed {
  // Who publishes keys is another user, as a rule
  const document = new DirDocument({ disk: nodeDisk({ alsoTrusted: "anyone" }), dir, name: "jwks.json", clock });
  const stop = new AbortController();
  const taken = (found: Awaited<ReturnType<DirDocument["read"]>>): boolean => {
    try {
      if (found.kind === "text") keys.take(found.text);
      else keys.miss(found.problem);
      return found.kind === "text";
    } catch (error) {
      keys.miss(problemOf(error));
      return false;
    }
  };
  return {
    ...notAsked(keys),
    start: () =>
      new Promise((resolve) => {
        void document.follow(stop.signal, (found) => {
          const isTaken = taken(found);
          resolve();
          return isTaken;
        });
      }),
    close: () => stop.abort(),
  };
}

/** In our words: others may quote what was read. */
const problemOf = (error: unknown): string =>
  error instanceof KeyturnError || error instanceof FetchError ? error.message : "the keys can't be understood";
