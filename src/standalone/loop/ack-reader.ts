import { basename, join } from "node:path";
import type { Reader } from "../../files/disk.ts";
import { RefusedEntryError, unlessMissing } from "../../files/fs-errors.ts";
import { instanceName, parseKeyRingAck } from "../../ring/ack-document.ts";
import type { GatewayView } from "../../ring/ack.ts";
import { KeyturnError } from "../../errors/keyturn-error.ts";
import type { RotationRef } from "../../ring/ring.ts";
import type { Clocks } from "../../time/clock.ts";
import { parseJson } from "../../parse/document.ts";

/** An ack that was not touched for longer does not count: its gateway is gone. Gateways touch theirs every 10 s. */
const ackLifeMs = 60_000;

export interface Acks {
  /** Every gateway that is alive, by the name of its file. */
  readonly gateways: readonly GatewayView[];
  /** Files that don't count because of what they are, one line each. */
  readonly warnings: readonly string[];
}

/** Whoever was seen to be silent for so long does not come back; and would write a new one, if it did. */
const deadAfterMs = 10 * ackLifeMs;

const isAckName = (name: string): boolean => name.endsWith(".json") && instanceName.test(basename(name, ".json"));

/** When a file changed, and when that was noticed. */
interface FileTrace {
  readonly changedAtMs: number;
  readonly seenAtMonotonicMs: number;
  /** Since when this process knows it. */
  readonly knownSinceMonotonicMs: number;
}

/**
 * Reads who is there and what they have. Remembers when each file changed, on the monotonic clock: so a machine that
 * slept, or whose clock was set, does not take all gateways for dead at once.
 */
export class AckReader {
  readonly #disk: Reader;
  readonly #dir: string;
  readonly #clock: Clocks;
  #seen: ReadonlyMap<string, FileTrace> = new Map();

  constructor(disk: Reader, dir: string, clock: Clocks) {
    this.#disk = disk;
    this.#dir = dir;
    this.#clock = clock;
  }

  async read(rotation: RotationRef): Promise<Acks> {
    const gateways: GatewayView[] = [];
    const warnings: string[] = [];
    for (const name of await this.fresh()) {
      const read = await this.#readOne(name, rotation);
      if (typeof read === "string") warnings.push(read);
      else if (read) gateways.push(read);
    }
    return { gateways, warnings };
  }

  /** The names of the files whose gateways are alive. To be called at least every {@link ackLifeMs}. */
  async fresh(): Promise<readonly string[]> {
    const names = ((await unlessMissing(this.#disk.names(this.#dir))) ?? []).filter(isAckName);
    const seen = new Map<string, FileTrace>();
    for (const name of [...names].sort()) {
      const found = await this.#disk.entry(join(this.#dir, name));
      if (found) seen.set(name, this.#lastSign(name, found.changedAtMs));
    }
    this.#seen = seen;
    const nowMs = this.#clock.monotonicMs();
    return [...seen]
      .filter(([, { seenAtMonotonicMs }]) => nowMs - seenAtMonotonicMs <= ackLifeMs)
      .map(([name]) => name);
  }

  /** The names of the files that nobody has touched for long while this process looked: nobody misses them. */
  get dead(): readonly string[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#seen]
      .filter(([, { knownSinceMonotonicMs }]) => nowMs - knownSinceMonotonicMs > deadAfterMs)
      .map(([name]) => name);
  }

  /** The first sight has nothing but the wall clock to go by; a time in the future is as good as now. */
  #lastSign(name: string, changedAtMs: number): FileTrace {
    const before = this.#seen.get(name);
    if (before?.changedAtMs === changedAtMs) return before;
    const nowMs = this.#clock.monotonicMs();
    const ageMs = before ? 0 : Math.max(0, this.#clock.nowMs() - changedAtMs);
    return { changedAtMs, seenAtMonotonicMs: nowMs - ageMs, knownSinceMonotonicMs: nowMs };
  }

  /** A bad ack is no ack, and never fatal: it must not hold up a revocation. */
  async #readOne(name: string, rotation: RotationRef): Promise<GatewayView | string | undefined> {
    try {
      const text = await unlessMissing(this.#disk.readText(join(this.#dir, name)));
      if (text === undefined) return undefined;
      const subject = { code: "AckUnreadable", action: "Cannot read acknowledgement" };
      const stated = parseKeyRingAck(parseJson(text, { subject, publicOnly: true }).value);
      if (stated.rotation === rotation.name) return { name: basename(name, ".json"), ready: true, ack: stated.ack };
      return `acks/${name}: Cannot use acknowledgement: must be about the rotation "${rotation.name}"`;
    } catch (error) {
      if (error instanceof KeyturnError || error instanceof RefusedEntryError) return `acks/${name}: ${error.message}`;
      throw error;
    }
  }
}
