import { KeyturnError } from "../../errors/keyturn-error.ts";
import type { FreshToken } from "../../identity/kept-identity.ts";
import type { Chance } from "../../time/backoff.ts";
import type { Cancel, Clock } from "../../time/clock.ts";
import type { SinkProblem } from "../agent-identities.ts";
import type { Sink } from "../sinks/sink.ts";
import { tryAgainMs } from "../try-again.ts";

export interface KeptSinksParts {
  readonly clock: Pick<Clock, "after" | "nowMs">;
  readonly chance: Chance;
  /** Some place has a new token; not before the others were tried with it. Must not throw. */
  readonly onWritten: () => void;
  /** Hears of every failure. Must not throw. */
  readonly onProblem: (problem: SinkProblem) => void;
}

/** The places of one identity. Each gets the newest token; one that fails is tried again by itself, and holds up nobody. */
export class KeptSinks {
  readonly #sinks: readonly KeptSink[];
  readonly #onWritten: () => void;

  constructor(sinks: readonly Sink[], parts: KeptSinksParts) {
    this.#onWritten = parts.onWritten;
    this.#sinks = sinks.map((sink) => new KeptSink(sink, parts));
  }

  /** Resolves when each place has it, or has been tried. Without any place that is at once. Never rejects. */
  async write(token: FreshToken): Promise<void> {
    const written = await Promise.all(this.#sinks.map((sink) => sink.write(token)));
    if (written.length === 0 || written.includes(true)) this.#onWritten();
  }

  get problems(): readonly SinkProblem[] {
    return this.#sinks.map(({ problem }) => problem).filter((problem) => problem !== undefined);
  }

  /**
   * Leaves those to another identity, and writes the others: also such as were left before. Resolves when nothing is being written that was left.
   *
   * @param isLeft - By the order of the places
   */
  async leave(isLeft: (index: number) => boolean): Promise<void> {
    for (const [index, sink] of this.#sinks.entries()) if (!isLeft(index)) sink.comeBack();
    await Promise.all(this.#sinks.filter((_, index) => isLeft(index)).map((sink) => sink.leave()));
  }

  /** Waits for what is being written; nothing is tried again. */
  async close(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.close()));
  }
}

class KeptSink {
  readonly #sink: Sink;
  readonly #parts: KeptSinksParts;
  #newest: FreshToken | undefined;
  #work: Promise<boolean> | undefined;
  #failures = 0;
  #isClosed = false;
  /** Another identity writes there. */
  #isLeft = false;
  #cancel: Cancel | undefined;
  /** What lies there. */
  #goodUntilMs: number | undefined;
  #failed: SinkProblem | undefined;

  constructor(sink: Sink, parts: KeptSinksParts) {
    this.#sink = sink;
    this.#parts = parts;
  }

  /** Why it lacks the newest token: the last try failed; or whoever reads it has no token that is good until the present one has come to its end. */
  get problem(): SinkProblem | undefined {
    // To wait does not help, and the others are well: no reason not to be ready
    if (this.#isLeft) return { place: this.#sink.place, message: leftMessage, goodUntilMs: Infinity };
    if (this.#failed !== undefined || this.#work === undefined) return this.#failed;
    const isLate = (this.#goodUntilMs ?? 0) <= this.#parts.clock.nowMs();
    return isLate ? this.#problem("Cannot say that there is a token: it is being written") : undefined;
  }

  #problem(message: string): SinkProblem {
    const goodUntilMs = this.#goodUntilMs;
    return { ...{ place: this.#sink.place, message }, ...(goodUntilMs !== undefined && { goodUntilMs }) };
  }

  /** Whether the place has it now, or a newer one: what comes while another one is being written is written after it. */
  write(token: FreshToken): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false);
    this.#newest = token;
    this.#cancel?.();
    if (this.#isLeft) return Promise.resolve(false);
    this.#work ??= this.#writeNewest();
    return this.#work;
  }

  async leave(): Promise<void> {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#cancel?.();
    if (this.problem) this.#parts.onProblem(this.problem);
    await this.#work;
  }

  comeBack(): void {
    if (!this.#isLeft) return;
    this.#isLeft = false;
    this.#goodUntilMs = undefined;
    this.#writeAgain();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#work;
  }

  async #writeNewest(): Promise<boolean> {
    for (;;) {
      const token = this.#newest;
      const isWritten = token !== undefined && (await this.#writeOnce(token));
      if (token !== this.#newest && !this.#isLeft) continue;
      this.#work = undefined;
      if (!isWritten && !this.#isClosed && !this.#isLeft) this.#tryLater();
      return isWritten;
    }
  }

  async #writeOnce(token: FreshToken): Promise<boolean> {
    try {
      await this.#sink.write(token);
      this.#goodUntilMs = token.expiresAtMs ?? Infinity;
      this.#failed = undefined;
      this.#failures = 0;
      return true;
    } catch (error) {
      this.#failures++;
      this.#failed = this.#problem(messageOf(error));
      this.#parts.onProblem(this.#failed);
      return false;
    }
  }

  #tryLater(): void {
    const { clock, chance } = this.#parts;
    const waitMs = tryAgainMs(this.#failures, chance);
    this.#cancel = clock.after(waitMs, () => this.#writeAgain());
  }

  #writeAgain(): void {
    const { onWritten } = this.#parts;
    if (this.#newest !== undefined) void this.write(this.#newest).then((isWritten) => isWritten && onWritten());
  }
}

const leftMessage = "Cannot write the token: the agent's file gives this place to another identity";

/** What nobody foresaw says nothing of itself: it may quote a token. */
const messageOf = (error: unknown): string =>
  error instanceof KeyturnError ? error.message : "Cannot write the token: an unforeseen error";
