import { watchDirs } from "../../files/watch-dirs.ts";
import { hasProgressed, type PassReport, runPass } from "../../keeper/pass.ts";
import { quarrelIn, quarrelRestMs, withWrite, type Writes } from "../../keeper/quarrel.ts";
import { type Backoff, backoffMs } from "../../time/backoff.ts";
import type { Bell } from "../../time/bell.ts";
import type { Disk } from "../../files/disk.ts";
import { ChangeNeededError, type KeyturnError, TryLaterError } from "../../errors/keyturn-error.ts";
import type { Because } from "../../ring/lack.ts";
import type { Ring } from "../../ring/ring.ts";
import { pendingWaitMs } from "../../ring/view.ts";
import { AckReader } from "./ack-reader.ts";
import type { Clocks } from "../../time/clock.ts";
import { ClockGuard } from "./clock-guard.ts";
import { configDirs, type Config } from "../settings/config.ts";
import { fingerprint, wishes } from "./fingerprint.ts";
import type { Layout } from "../store/layout.ts";
import type { Log } from "../../telemetry/log.ts";
import { directorySources, type DirectoryReaders } from "./directory-sources.ts";
import { failureOf, Housekeeping } from "./housekeeping.ts";
import { Reporter } from "./reporter.ts";
import { SettingsFiles } from "../settings/settings-files.ts";
import { StateFile } from "./state-file.ts";
import { withStorageErrors, storageError } from "../../files/storage-error.ts";
import type { DirectoryStore } from "../store/directory-store.ts";

export interface LoopParts {
  readonly disk: Disk;
  readonly layout: Layout;
  readonly store: DirectoryStore;
  readonly config: Config;
  readonly clock: Clocks;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly on?: (report: PassReport) => void;
  readonly onFailure?: (error: KeyturnError) => void;
  readonly bell: Pick<Bell, "ring" | "sleep">;
  readonly chance: () => number;
  readonly pollMs: number;
  /** The lock is held. */
  readonly isAlone: boolean;
}

/** How often what is refused is read again, in milliseconds: a file that was closed to us is opened without a change of it. */
const refusedMs = 10_000;
const backoff: Backoff = { baseMs: 100, maxMs: 30_000 };

/** One pass after the other, and what lies between them. */
export class Loop {
  readonly #parts: LoopParts;
  readonly #settings: SettingsFiles;
  readonly #acks: AckReader;
  readonly #readers: DirectoryReaders;
  readonly #housekeeping: Housekeeping;
  readonly #report: Reporter;
  readonly #memory: StateFile;
  #failures = 0;
  #writes: Writes = [];

  constructor(parts: LoopParts) {
    const { disk, layout, config, clock, store, isAlone } = parts;
    const guard = new ClockGuard(clock);
    this.#parts = parts;
    this.#settings = new SettingsFiles(disk, layout, config);
    this.#acks = new AckReader(disk, layout.acks, clock);
    this.#readers = { store, acks: this.#acks, readClock: (ring) => guard.read(ring) };
    this.#housekeeping = new Housekeeping({ disk, layout, store, acks: this.#acks, clock, isAlone });
    this.#report = new Reporter(parts.log);
    this.#memory = new StateFile(disk, layout.state);
  }

  /** @throws KeyturnError when the first settings can't be used and there is no ring; anything that is a mistake in the program */
  async run(): Promise<void> {
    const { config, layout, signal, bell } = this.#parts;
    await withStorageErrors(() => this.#settings.load());
    watchDirs([...configDirs(config), ...watchedDirs(layout)], () => bell.ring(), signal);
    while (!signal.aborted) {
      const before = await this.#attempt(() => this.#fingerprint());
      const waitMs = before === undefined ? undefined : await this.#attempt(() => this.#pass());
      const isQuarrel = quarrelIn(this.#writes, this.#parts.clock.monotonicMs()) !== undefined;
      if (waitMs === undefined) await this.#rest(backoffMs(backoff, this.#failures, this.#parts.chance));
      else if (isQuarrel) await this.#rest(quarrelRestMs);
      else if (waitMs > 0) await this.#idle(waitMs, before ?? "");
    }
  }

  /** The result, or undefined after a failure that was reported and is to be followed by a wait. */
  async #attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (cause) {
      const error = storageError(cause);
      if (!(error instanceof TryLaterError) && !(error instanceof ChangeNeededError)) throw error;
      this.#failures++;
      this.#report.failure(error);
      this.#parts.onFailure?.(error);
      return undefined;
    }
  }

  /** Returns how long to wait for the next pass, in milliseconds; 0 while there is more to do. */
  async #pass(): Promise<number> {
    const { clock, on } = this.#parts;
    const untidy = await this.#housekeeping.before();
    await this.#settings.refresh();
    const { current } = this.#settings;
    const state = await this.#memory.recall(clock.nowMs());
    const report = await runPass(directorySources(this.#readers, current, state));
    const unshown = await failureOf(() => this.#settings.show());
    const trouble = report.unwritten[0]?.error ?? unshown ?? untidy;
    this.#report.pass(report);
    if (trouble === undefined) {
      this.#failures = 0;
      this.#report.soundPass();
    }
    if (hasProgressed(report)) this.#writes = withWrite(this.#writes, clock.monotonicMs());
    const quarrel = quarrelIn(this.#writes, clock.monotonicMs());
    this.#report.quarrel(quarrel);
    on?.(besideRival(report, quarrel));
    if (isSound(report)) await this.#memory.settle(report.ring, current.recoverRequestedAtMs);
    await this.#memory.quarrel(quarrel !== undefined, clock.nowMs());
    await this.#housekeeping.after(report.published.length > 0);
    if (trouble !== undefined) throw trouble;
    return hasProgressed(report) ? 0 : this.#waitMs(report);
  }

  #waitMs({ decision, seen }: PassReport): number {
    const { observation, clock } = seen;
    const checkInMs = decision.kind === "plan" ? decision.plan.nextCheckAtMs - observation.found.nowMs : Infinity;
    const holdMs = clock.trusted ? Infinity : (clock.holdMs ?? Infinity);
    const againMs = observation.refused ? refusedMs : Infinity;
    const pendingMs = pendingWaitMs(observation, decision);
    return Math.max(1, Math.min(checkInMs, holdMs, againMs, pendingMs, this.#housekeeping.dueInMs));
  }

  #fingerprint(): Promise<string> {
    const { disk, layout, config } = this.#parts;
    return fingerprint(disk, layout, { acks: this.#acks, config });
  }

  /** Waits until the time has come or something has changed since the fingerprint was taken. */
  async #idle(waitMs: number, before: string): Promise<void> {
    const { clock, bell, signal, pollMs } = this.#parts;
    const untilMs = clock.nowMs() + waitMs;
    const untilMonotonicMs = clock.monotonicMs() + waitMs;
    while (!signal.aborted) {
      // Whichever clock is ahead: after a sleep the wall clock is
      const leftMs = Math.min(untilMs - clock.nowMs(), untilMonotonicMs - clock.monotonicMs());
      if (leftMs <= 0) return;
      await bell.sleep(Math.min(leftMs, pollMs), signal);
      if ((await this.#attempt(() => this.#fingerprint())) !== before) return;
    }
  }

  /** Woken by what somebody asks for, which may be a revocation, and by no other file: failed and disputed writes change some, too. */
  async #rest(ms: number): Promise<void> {
    const { bell, signal, clock, pollMs } = this.#parts;
    const before = await this.#wishes();
    const untilMs = clock.monotonicMs() + ms;
    while (!signal.aborted && clock.monotonicMs() < untilMs) {
      await bell.sleep(Math.min(untilMs - clock.monotonicMs(), pollMs), signal);
      if ((await this.#wishes()) !== before) return;
    }
  }

  #wishes(): Promise<string> {
    const { disk, layout, config } = this.#parts;
    return wishes(disk, layout, config);
  }
}

const watchedDirs = ({ dir, ring, signer, public: open, acks }: Layout): readonly string[] => [
  dir,
  ring,
  signer,
  open,
  acks,
];

/** The ring was found whole, and stands in both projections. */
const isSound = (report: PassReport): report is PassReport & { readonly ring: Ring } =>
  report.ring !== undefined &&
  report.unwritten.length === 0 &&
  report.decision.kind === "plan" &&
  report.decision.input.stored.kind === "ring";

/** The report, with what the pass itself could not see. */
function besideRival(report: PassReport, rival: Because | undefined): PassReport {
  const { seen } = report;
  return rival ? { ...report, seen: { ...seen, observation: { ...seen.observation, rival } } } : report;
}
