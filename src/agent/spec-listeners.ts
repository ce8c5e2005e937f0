import { isDeepStrictEqual } from "node:util";
import { KeyturnError } from "../errors/keyturn-error.ts";
import type { Listener } from "../http/listener.ts";
import type { Log } from "../telemetry/log.ts";
import type { Chance } from "../time/backoff.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import { tryAgainMs } from "./try-again.ts";

/** Listeners, one for each item of a list of the agent's spec. */
export interface SpecListeners<Spec> {
  /** Of TCP, 0 for a Unix socket; in the order of the specs. */
  readonly ports: readonly number[];
  /** The file has these from now on: what is the same stays open. One that can't be opened is said in the log, and tried again, less and less often. */
  apply(specs: readonly Spec[]): Promise<void>;
  /** Addresses of those that the file has, and that could not be opened. */
  readonly missing: readonly string[];
  close(): Promise<void>;
}

export interface ListenersParts<Spec> {
  readonly open: (spec: Spec) => Promise<Listener>;
  /** For people. */
  readonly addressOf: (spec: Spec) => string;
  /** So long requests that were begun may take when their listener ends, in milliseconds. */
  readonly drainMs: number;
  readonly clock: Pick<Clock, "after">;
  readonly chance: Chance;
  readonly log: Log;
}

/** @throws KeyturnError where one of them can't be opened: then none is */
export async function openListeners<Spec>(
  specs: readonly Spec[],
  parts: ListenersParts<Spec>,
): Promise<SpecListeners<Spec>> {
  const listeners = new Listeners(parts);
  try {
    for (const spec of specs) await listeners.open(spec);
  } catch (error) {
    await listeners.close();
    throw error;
  }
  return listeners;
}

interface OpenListener<Spec> {
  readonly spec: Spec;
  readonly listener: Listener;
}

class Listeners<Spec> implements SpecListeners<Spec> {
  readonly #parts: ListenersParts<Spec>;
  #open: readonly OpenListener<Spec>[] = [];
  #missing: readonly Spec[] = [];
  #failures = 0;
  #cancel: Cancel | undefined;
  #isClosed = false;
  /** One change after the other. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(parts: ListenersParts<Spec>) {
    this.#parts = parts;
  }

  get ports(): readonly number[] {
    return this.#open.map(({ listener: { port } }) => port);
  }

  async open(spec: Spec): Promise<void> {
    const listener = await this.#parts.open(spec);
    this.#open = [...this.#open, { spec, listener }];
  }

  get missing(): readonly string[] {
    return this.#missing.map((spec) => this.#parts.addressOf(spec));
  }

  apply(specs: readonly Spec[]): Promise<void> {
    this.#failures = 0;
    return this.#inTurn(() => this.#follow(specs));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#cancel?.();
    const own = this.#changes.then(() => (this.#isClosed ? undefined : work()));
    this.#changes = own.catch(() => undefined);
    return own;
  }

  async #follow(specs: readonly Spec[]): Promise<void> {
    const isWanted = ({ spec }: OpenListener<Spec>): boolean => specs.some((one) => isDeepStrictEqual(one, spec));
    const gone = this.#open.filter((one) => !isWanted(one));
    this.#open = this.#open.filter(isWanted);
    // A new one may have the address of one that goes
    await Promise.all(gone.map((one) => this.#end(one)));
    const missing: Spec[] = [];
    for (const spec of specs) {
      if (this.#open.some((one) => isDeepStrictEqual(one.spec, spec))) continue;
      if (!(await this.#isOpened(spec))) missing.push(spec);
    }
    this.#missing = missing;
    if (missing.length > 0) this.#tryLater(specs);
  }

  async #isOpened(spec: Spec): Promise<boolean> {
    const { log, addressOf } = this.#parts;
    const address = addressOf(spec);
    try {
      await this.open(spec);
      if (this.#failures > 0) log.info({ address }, "open by now");
      return true;
    } catch (error) {
      const told = error instanceof KeyturnError ? { code: error.code, address } : { err: error, address };
      // Of what lasts the first word is enough
      log[this.#failures === 0 ? "error" : "debug"](told, error instanceof KeyturnError ? error.message : "not open");
      return false;
    }
  }

  #tryLater(specs: readonly Spec[]): void {
    const { clock, chance } = this.#parts;
    this.#failures++;
    const waitMs = tryAgainMs(this.#failures, chance);
    this.#cancel = clock.after(waitMs, () => void this.#inTurn(() => this.#follow(specs)));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#changes;
    const all = this.#open;
    this.#open = [];
    await Promise.all(all.map((one) => this.#end(one)));
  }

  #end({ listener }: OpenListener<Spec>): Promise<void> {
    return listener.drain(this.#parts.drainMs);
  }
}
