import type { PeerKey, SendOutcome } from "./core/peer-state.ts";

/** Who waits for what becomes of a message. The same id for the same peer twice is one message, with one answer for both. */
export class WaitingSenders {
  readonly #waiting = new Map<string, ((outcome: SendOutcome | "moved") => void)[]>();

  wait(peer: PeerKey, id: string): Promise<SendOutcome | "moved"> {
    const key = keyOf(peer, id);
    return new Promise((resolve) => {
      const others = this.#waiting.get(key);
      if (others) others.push(resolve);
      else this.#waiting.set(key, [resolve]);
    });
  }

  answer(peer: PeerKey, id: string, outcome: SendOutcome | "moved"): void {
    const key = keyOf(peer, id);
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    for (const resolve of waiting) resolve(outcome);
  }
}

const keyOf = ({ subject, instanceId }: PeerKey, id: string): string => JSON.stringify([subject, instanceId, id]);
