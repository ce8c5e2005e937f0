import { isDeepStrictEqual } from "node:util";
import { KeyturnError } from "../errors/keyturn-error.ts";
import type { Listener } from "../http/listener.ts";
import type { Log } from "../telemetry/log.ts";

/** Listeners, one for each item of a list of the agent's spec. */
export interface SpecListeners<Spec> {
  /** Of TCP, 0 for a Unix socket; in the order of the specs. */
  readonly ports: readonly number[];
  /** The file has these from now on: what is the same stays open. One that can't be opened is said in the log, and is tried with the next change. */
  apply(specs: readonly Spec[]): Promise<void>;
  close(): Promise<void>;
}

export interface ListenersParts<Spec> {
  readonly open: (spec: Spec) => Promise<Listener>;
  /** For people. */
  readonly addressOf: (spec: Spec) => string;
  /** So long requests that were begun may take when their listener ends, in milliseconds. */
  readonly drainMs: number;
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

  async apply(specs: readonly Spec[]): Promise<void> {
    const { log, addressOf } = this.#parts;
    const isWanted = ({ spec }: OpenListener<Spec>): boolean => specs.some((one) => isDeepStrictEqual(one, spec));
    const gone = this.#open.filter((one) => !isWanted(one));
    this.#open = this.#open.filter(isWanted);
    // A new one may have the address of one that goes
    await Promise.all(gone.map((one) => this.#end(one)));
    for (const spec of specs) {
      if (this.#open.some((one) => isDeepStrictEqual(one.spec, spec))) continue;
      await this.open(spec).catch((error: unknown) => {
        if (!(error instanceof KeyturnError)) throw error;
        log.error({ code: error.code, address: addressOf(spec) }, error.message);
      });
    }
  }

  async close(): Promise<void> {
    const all = this.#open;
    this.#open = [];
    await Promise.all(all.map((one) => this.#end(one)));
  }

  #end({ listener }: OpenListener<Spec>): Promise<void> {
    return listener.drain(this.#parts.drainMs);
  }
}
