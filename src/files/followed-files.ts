import { dirname, resolve } from "node:path";
import { KeyturnError } from "../errors/keyturn-error.ts";
import { Bell } from "../time/bell.ts";
import type { Clock } from "../time/clock.ts";
import { watchDirs } from "./watch-dirs.ts";

export interface FollowedOptions<Value> {
  /** For people: `the token issuer's file`. */
  readonly what: string;
  /** What the files say now. @throws KeyturnError where that can't be used */
  readonly read: () => Promise<Value>;
  /** Those that it was read from. */
  readonly filesOf: (value: Value) => readonly string[];
  readonly isSame: (one: Value, another: Value) => boolean;
  /** Puts another one in force. @throws KeyturnError where it can't be used after all: then the one before stays */
  readonly take: (value: Value, isFirst: boolean) => void;
  /** Hears of a value that is refused, once for each reason; and, with undefined, that what stands there is the one in force again. */
  readonly tell: (refused: KeyturnError | undefined) => void;
  readonly clock: Pick<Clock, "after">;
  /** A change that the kernel does not tell of is seen after this long, in milliseconds. @default 10000 */
  readonly pollMs?: number;
}

/**
 * Something that is read from files which are looked at again and again. What can't be used is refused, and the one before stays in force; only at the
 * start it is the end.
 */
export class FollowedFiles<Value> {
  readonly #options: FollowedOptions<Value>;
  readonly #bell: Bell;
  #current: Value;
  #refused: KeyturnError | undefined;
  /** Looks come one after the other: an older one never takes the place of a newer. */
  #looks = Promise.resolve();

  private constructor(options: FollowedOptions<Value>, current: Value) {
    this.#options = options;
    this.#bell = new Bell(options.clock);
    this.#current = current;
  }

  /** @throws KeyturnError where the first one can't be used */
  static async open<Value>(options: FollowedOptions<Value>): Promise<FollowedFiles<Value>> {
    const value = await options.read();
    options.take(value, true);
    return new FollowedFiles(options, value);
  }

  get current(): Value {
    return this.#current;
  }

  /** Why what stands in the files now is not in force; undefined while it is. For readiness and metrics. */
  get refused(): KeyturnError | undefined {
    return this.#refused;
  }

  /** Takes what stands in the files now. Never rejects. */
  reload(): Promise<void> {
    this.#looks = this.#looks.then(() => this.#look());
    return this.#looks;
  }

  /** Looks again whenever something changes, until the signal. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { filesOf, pollMs = 10_000 } = this.#options;
    let watched = new AbortController();
    let before = "";
    while (!signal.aborted) {
      const dirs = [...new Set(filesOf(this.#current).map((path) => dirname(resolve(path))))];
      if (dirs.join("\n") !== before) {
        watched.abort();
        watched = new AbortController();
        before = dirs.join("\n");
        watchDirs(dirs, () => this.#bell.ring(), watched.signal);
      }
      await this.#bell.sleep(pollMs, signal);
      await this.reload();
    }
    watched.abort();
  }

  async #look(): Promise<void> {
    const { read, isSame, take, tell, what } = this.#options;
    try {
      const value = await read();
      if (!isSame(value, this.#current)) {
        take(value, false);
        this.#current = value;
      } else if (this.#refused) tell(undefined);
      this.#refused = undefined;
    } catch (error) {
      const defect = `Cannot read ${what}: this is a defect of Keyturn`;
      const refused = error instanceof KeyturnError ? error : new KeyturnError("Defect", defect, { cause: error });
      if (refused.message !== this.#refused?.message) tell(refused);
      this.#refused = refused;
    }
  }
}
