import { ChangeNeededError, type KeyturnError, TryLaterError } from "../../errors/keyturn-error.ts";
import { quoted } from "../../errors/quote.ts";
import type { ConnectionEnd } from "../session-core/client-state.ts";

/** Who waits for which message to be confirmed. */
export class Sends {
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves with the one of this id that is under way; undefined where there is none. */
  find(id: string): Promise<void> | undefined {
    return this.#waiting.get(id)?.promise;
  }

  add(id: string): Promise<void> {
    const waiting: PromiseWithResolvers<void> = Promise.withResolvers();
    this.#waiting.set(id, waiting);
    return waiting.promise;
  }

  confirm(ids: readonly string[]): void {
    for (const id of ids) this.#remove(id)?.resolve();
  }

  reject(ids: readonly string[], errorFor: (id: string) => KeyturnError): void {
    for (const id of ids) this.#remove(id)?.reject(errorFor(id));
  }

  #remove(id: string): PromiseWithResolvers<void> | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}

/** Nobody can say any more: whoever sends it again uses the same id. */
export const inDoubt = (id: string): KeyturnError =>
  new TryLaterError(
    "InDoubt",
    `Cannot say whether the message ${quoted(id)} has arrived: its session is gone; may be sent again with the same id`,
  );

export const notSent =
  ({ code }: ConnectionEnd) =>
  (id: string): KeyturnError =>
    new ChangeNeededError("Ended", `Cannot send the message ${quoted(id)}: the session has ended (${code})`);

export const tooLarge = (id: string): KeyturnError =>
  new ChangeNeededError("TooLarge", `Cannot send the message ${quoted(id)}: must fit into the gateway's queue`);

export const queueFull = (id: string): KeyturnError =>
  new TryLaterError("QueueFull", `Cannot send the message ${quoted(id)}: too many wait before it`);
