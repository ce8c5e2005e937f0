import type { Cancel } from "../../time/clock.ts";

/**
 * Carries words between the replicas of a gateway. A word may get lost, and may come late; those of one replica come in their order. Nobody hears
 * his own.
 */
export interface SessionBus {
  readonly isConnected: boolean;
  /** Calls the listener each time the bus is there again after it was not, once all topics are listened to again. */
  onReconnected(listener: () => void): Cancel;
  /** What others ask about a topic. An answer is for whoever has asked. */
  listen(topic: string, hear: (word: Uint8Array, answer: BusReply) => void): Cancel;
  /**
   * Asks all who listen to the topic. Each answer is heard, never before this returns, until the returned function is called.
   *
   * @param hear - With undefined: nobody listens, or the bus is away
   */
  ask(topic: string, word: Uint8Array, hear: (answer: Uint8Array | undefined) => void): Cancel;
}

export type BusReply = (answer: Uint8Array) => void;
