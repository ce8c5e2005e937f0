import type { ClientRequest, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { connectionProblem, errnoOf } from "../../errors/errno-words.ts";
import type { Cancel, Clock } from "../../time/clock.ts";
import type { ProxyLimits } from "./proxy-limits.ts";

/** What became of one request to the upstream. */
export type CallOutcome =
  /** The head of an answer. */
  | { readonly kind: "answered"; readonly message: IncomingMessage }
  /** It speaks another protocol from now on (RFC 9110 §7.8). */
  | { readonly kind: "switched"; readonly message: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }
  | { readonly kind: "failed"; readonly failure: CallFailure };

export interface CallFailure {
  /** `away`: never connected. `broke`: no answer came on the connection. `silent`: none came in time. */
  readonly kind: "away" | "broke" | "silent";
  /** For people: a code of the system or of TLS. Never with what was answered. */
  readonly why: string;
  /** False: who is there did not show; true for what an upstream did that is there. */
  readonly wasConnected: boolean;
  /** On a connection that others had used: the upstream may have closed it while the request was on its way. */
  readonly isReused: boolean;
}

export interface CallParts {
  readonly clock: Clock;
  readonly limits: ProxyLimits;
  /** Hears of each answer before the answer: 100, 103. */
  readonly onInformation: (information: Information) => void;
}

export interface Information {
  readonly statusCode: number;
  readonly rawHeaders: readonly string[];
}

/** Resolves with what becomes of it; never rejects. The caller sends the body. */
export function called(outgoing: ClientRequest, { clock, limits, onInformation }: CallParts): Promise<CallOutcome> {
  const { promise, resolve } = Promise.withResolvers<CallOutcome>();
  const limit = new CallLimit(clock, () => outgoing.destroy());
  let isConnected = false;
  const settle = (outcome: CallOutcome): void => {
    limit.end();
    resolve(outcome);
  };
  outgoing.on("socket", (socket) => {
    isConnected = outgoing.reusedSocket;
    if (isConnected) return;
    limit.wait(limits.connectMs);
    socket.once("encrypted" in socket ? "secureConnect" : "connect", () => {
      isConnected = true;
      if (outgoing.writableEnded) limit.wait(limits.answerMs);
      else limit.rest();
    });
  });
  outgoing.on("finish", () => limit.wait(limits.answerMs));
  outgoing.on("information", onInformation);
  outgoing.on("response", (message) => {
    // What breaks while nobody reads it has nobody else who listens
    message.on("error", () => undefined);
    if (canBePassed(message)) settle({ kind: "answered", message });
    else {
      settle({
        kind: "failed",
        failure: { kind: "broke", why: "InvalidStatusLine", isReused: false, wasConnected: true },
      });
      message.destroy();
    }
  });
  outgoing.on("upgrade", (message, socket, head) => settle({ kind: "switched", message, socket, head }));
  outgoing.on("error", (error) => {
    const kind = limit.isOver ? "silent" : isConnected ? "broke" : "away";
    const why = limit.isOver ? "it says nothing for too long" : connectionWords(error);
    settle({ kind: "failed", failure: { kind, why, wasConnected: isConnected, isReused: outgoing.reusedSocket } });
  });
  return promise;
}

/** Never a parser's own words: they may quote what was answered. */
const connectionWords = (error: Error): string =>
  errnoOf(error) === undefined ? error.name : connectionProblem(error);

/** A final status and a reason that HTTP knows (RFC 9112 §4): Node.js reads others, and does not write them. */
const canBePassed = ({ statusCode = 0, statusMessage = "" }: IncomingMessage): boolean =>
  statusCode >= 200 && statusCode <= 999 && /^[\t\x20-\x7e\x80-\xff]*$/.test(statusMessage);

/** One wait at a time, until the end. */
class CallLimit {
  isOver = false;
  readonly #clock: Clock;
  readonly #lose: () => void;
  #isEnded = false;
  #cancel: Cancel = () => undefined;

  constructor(clock: Clock, lose: () => void) {
    this.#clock = clock;
    this.#lose = lose;
  }

  wait(ms: number): void {
    this.#cancel();
    if (this.#isEnded) return;
    this.#cancel = this.#clock.after(ms, () => {
      this.isOver = true;
      this.#lose();
    });
  }

  rest(): void {
    this.#cancel();
  }

  end(): void {
    this.#isEnded = true;
    this.#cancel();
  }
}
