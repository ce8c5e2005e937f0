import type { BusReply, SessionBus } from "../../../../src/sessions/bus/session-bus.ts";

interface Word {
  readonly from: FakeBus;
  /** As whoever reads on the bus sees it. */
  readonly text: string;
  readonly arrive: () => unknown;
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** The way between all replicas of a test. Words lie here until they are let go, or are lost. */
export class FakeNet {
  readonly members: FakeBus[] = [];
  /** In the order in which they were said. */
  readonly words: Word[] = [];
  /** They stay until {@link flow}. */
  isHeld = false;

  join(): FakeBus {
    const bus = new FakeBus(this);
    this.members.push(bus);
    return bus;
  }

  put(word: Word): void {
    this.words.push(word);
    if (!this.isHeld) setImmediate(() => this.flow());
  }

  /** Everything arrives, and what is said then. */
  flow(): void {
    for (let word = this.words.shift(); word !== undefined; word = this.words.shift()) {
      if (word.from.isConnected) word.arrive();
    }
  }

  /** Nothing of it arrives. */
  lose(): void {
    this.words.length = 0;
  }
}

/** The bus of one replica, as SessionBus has it. */
export class FakeBus implements SessionBus {
  isConnected = true;
  readonly #net: FakeNet;
  readonly #listeners = new Map<string, Set<(word: Uint8Array, answer: BusReply) => void>>();
  readonly #reconnected = new Set<() => void>();

  constructor(net: FakeNet) {
    this.#net = net;
  }

  get topics(): number {
    return this.#listeners.size;
  }

  onReconnected(listener: () => void): () => void {
    this.#reconnected.add(listener);
    return () => this.#reconnected.delete(listener);
  }

  listen(topic: string, hear: (word: Uint8Array, answer: BusReply) => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(hear));
    return () => {
      listeners.delete(hear);
      if (listeners.size === 0) this.#listeners.delete(topic);
    };
  }

  ask(topic: string, word: Uint8Array, hear: (answer: Uint8Array | undefined) => void): () => void {
    let isOpen = true;
    const heard = (answer: Uint8Array | undefined): void => {
      if (isOpen) hear(answer);
    };
    if (!this.isConnected) setImmediate(() => heard(undefined));
    const route = (): void => {
      const others = this.#net.members.filter((one) => one !== this && one.isConnected && one.#listeners.has(topic));
      // As a server's "no responders": it comes by the way on which answers come
      if (others.length === 0) heard(undefined);
      for (const to of others) {
        const reply = (answer: Uint8Array): void =>
          this.#net.put({ from: to, text: textOf(answer), arrive: () => this.isConnected && heard(answer) });
        for (const listener of [...(to.#listeners.get(topic) ?? [])]) listener(word, reply);
      }
    };
    this.#net.put({ from: this, text: `${topic} ${textOf(word)}`, arrive: route });
    return () => {
      isOpen = false;
    };
  }

  cut(): void {
    this.isConnected = false;
  }

  heal(): void {
    this.isConnected = true;
    for (const listener of this.#reconnected) listener();
  }
}
