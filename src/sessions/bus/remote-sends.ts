import { type Clock, sleep } from "../../time/clock.ts";
import type { SessionMessage } from "../core/outbox.ts";
import type { PeerKey, SendOutcome } from "../core/peer-state.ts";
import { packedWord, readBusAnswer, type SendAnswer, topicOf } from "./bus-words.ts";
import { pendingMs } from "./peer-exchanges.ts";
import type { SessionBus } from "./session-bus.ts";

/** After so long without a word from whoever has the peer its messages are gone, in milliseconds. */
const silenceMs = 10_000;
/** Whoever has the peer says something within so long. */
const answerMs = pendingMs + 1000;
/** Between two questions, when nobody answered. */
const pauseMs = 250;
/** A bus that has just come back does not know all who listen yet. */
const settlingMs = 3000;
/** Messages that are on their way to other replicas, and their bytes. */
const most = { messages: 10_000, bytes: 67_108_864 };

export interface RemoteSendsOptions {
  readonly bus: SessionBus;
  readonly clock: Clock;
  /** Sends it here, where the peer has come meanwhile; undefined where it has not. */
  readonly sendHere: (
    peer: PeerKey,
    message: Omit<SessionMessage, "seq">,
  ) => Promise<SendOutcome | "moved"> | undefined;
  /** The peer is about to be here, perhaps. */
  readonly isComing: (peer: PeerKey) => boolean;
}

/** Messages for peers of other replicas. Asked again until it is known what became of it: two with one id are one. */
export class RemoteSends {
  readonly #options: RemoteSendsOptions;
  readonly #closing = new AbortController();
  #messages = 0;
  #bytes = 0;
  #reconnectedAtMs = -Infinity;
  readonly #forget: () => void;

  constructor(options: RemoteSendsOptions) {
    this.#options = options;
    const { bus, clock } = options;
    this.#forget = bus.onReconnected(() => {
      this.#reconnectedAtMs = clock.monotonicMs();
    });
  }

  async send(peer: PeerKey, message: Omit<SessionMessage, "seq">): Promise<SendOutcome> {
    const bytes = message.payload.byteLength;
    if (this.#messages >= most.messages || this.#bytes + bytes > most.bytes) return "full";
    this.#messages++;
    this.#bytes += bytes;
    try {
      return await this.#untilKnown(peer, message);
    } finally {
      this.#messages--;
      this.#bytes -= bytes;
    }
  }

  /** Whoever still waits is told that nobody can say any more. */
  close(): void {
    this.#forget();
    this.#closing.abort();
  }

  async #untilKnown(peer: PeerKey, message: Omit<SessionMessage, "seq">): Promise<SendOutcome> {
    const { clock, sendHere, isComing } = this.#options;
    let heardAtMs = clock.monotonicMs();
    while (!this.#closing.signal.aborted) {
      const answer = isComing(peer) ? "silent" : await (sendHere(peer, message) ?? this.#ask(peer, message));
      if (answer === "delivered" || answer === "gone" || answer === "full") return answer;
      if (answer === "pending" || answer === "moved") heardAtMs = clock.monotonicMs();
      else if (clock.monotonicMs() - heardAtMs >= silenceMs || (answer === "nobody" && this.#isSettled)) return "gone";
      if (answer !== "pending") await sleep(clock, pauseMs, this.#closing.signal);
    }
    return "gone";
  }

  /** What is said then of who listens is true. */
  get #isSettled(): boolean {
    const { bus, clock } = this.#options;
    return bus.isConnected && clock.monotonicMs() - this.#reconnectedAtMs >= settlingMs;
  }

  #ask(peer: PeerKey, message: Omit<SessionMessage, "seq">): Promise<SendAnswer | "nobody" | "silent"> {
    const { bus, clock } = this.#options;
    return new Promise((resolve) => {
      const end = (answer: SendAnswer | "nobody" | "silent"): void => {
        forget();
        stop();
        signal.removeEventListener("abort", silent);
        resolve(answer);
      };
      const silent = (): void => end("silent");
      const { signal } = this.#closing;
      const forget = clock.after(answerMs, silent);
      signal.addEventListener("abort", silent, { once: true });
      const stop = bus.ask(topicOf(peer), packedWord({ kind: "send", message }), (bytes) => {
        if (bytes === undefined) end("nobody");
        const answer = bytes && readBusAnswer(bytes);
        if (answer?.kind === "outcome") end(answer.outcome);
      });
    });
  }
}
