import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import type { Chance } from "../../time/backoff.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import type { ConnectionEnd, SessionState } from "../session-core/client-state.ts";
import { ownEnd } from "../session-core/connection-end.ts";
import { ClientRunner } from "./client-runner.ts";
import { Conversation } from "./conversation.ts";
import type { ReceivedMessage } from "./deliveries.ts";
import { isId, linksOf, longestId, readInstanceId, type SessionOptions } from "./session-options.ts";

const longestPayload = 65_536;
const gapEnd = ownEnd("Gap", "A message is missing");

/**
 * Keeps one session with a gateway: opens the next one before its token ends, comes back when the connection is lost, and goes on where it was.
 * Each message comes once and in order; where that can't be said, whoever sent it is told.
 *
 * It begins at once, and keeps the process alive until {@link close}, or until the gateway ends it for good.
 */
export class SessionClient implements AsyncIterable<ReceivedMessage> {
  readonly #runner: ClientRunner;
  readonly #conversation: Conversation;
  readonly #ended = Promise.withResolvers<ConnectionEnd>();
  #state: SessionState = { kind: "connecting" };
  #isClosing = false;

  /** @internal */
  protected get clock(): Clock {
    return systemClock;
  }

  /** @internal */
  protected get chance(): Chance {
    return Math.random;
  }

  /** @throws ChangeNeededError `OptionsInvalid` */
  constructor(options: SessionOptions) {
    const { keeper, renewal = "reconnect", onMessage, onState } = options;
    const { waitingMessages = 1024, waitingBytes = 16_777_216 } = options;
    const { clock, chance } = this;
    this.#conversation = new Conversation({ messages: waitingMessages, bytes: waitingBytes }, () =>
      this.#runner.distrust(gapEnd),
    );
    this.#runner = new ClientRunner({
      instanceId: readInstanceId(options.instanceId),
      tokens: keeper,
      connect: linksOf(options),
      ...{ renewal, clock, chance, conversation: this.#conversation },
      tell: (state) => this.#told(state, onState),
    });
    if (onMessage) void this.#conversation.deliveries.handOver(onMessage, clock, chance);
    this.#runner.start();
  }

  /** What is so now. */
  get state(): SessionState {
    return this.#state;
  }

  /** Resolves with the reason when it is over for good; never rejects. */
  get ended(): Promise<ConnectionEnd> {
    return this.#ended.promise;
  }

  /**
   * Sends a message. Resolves when the application at the other side has it, however many connections that takes; so whoever waits for it sends no
   * faster than that one hears.
   *
   * @param id - 1 to 128 characters: two with one id are one message. @default one by chance
   * @throws TryLaterError `InDoubt` when nobody can say whether it has arrived, `QueueFull` when too many wait; ChangeNeededError
   * `Ended`, `TooLarge`, `MessageInvalid`
   */
  async send(payload: string | Uint8Array, { id = crypto.randomUUID() }: { readonly id?: string } = {}): Promise<void> {
    if (!isId(id))
      throw new ChangeNeededError(
        "MessageInvalid",
        `Cannot send a message: its id must have 1 to ${longestId} characters, none of them half of a pair`,
      );
    // A copy: it may go again long after
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : Uint8Array.from(payload);
    if (bytes.byteLength > longestPayload)
      throw new ChangeNeededError("MessageInvalid", `Cannot send a message: must have at most ${longestPayload} bytes`);
    if (this.#isClosing) throw new ChangeNeededError("Ended", "Cannot send a message: the client is being closed");
    return this.#conversation.send({ id, payload: bytes });
  }

  /** The next message; done after the end. */
  next(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    return this.#conversation.deliveries.next();
  }

  /** Every message, until the end. Each is to be {@link ReceivedMessage.taken}. */
  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage, undefined> {
    return this.#conversation.deliveries;
  }

  /**
   * Leaves: takes no more to send, waits until what was sent has arrived, and says farewell, after which the gateway forgets this instance.
   *
   * @param withinMs - So long it waits for that; what has not arrived then is in doubt. @default 5000
   */
  async close({ withinMs = 5000 }: { readonly withinMs?: number } = {}): Promise<void> {
    this.#isClosing = true;
    const late: PromiseWithResolvers<void> = Promise.withResolvers();
    const cancel = this.clock.after(withinMs, () => late.resolve());
    await Promise.race([this.#conversation.emptied(), late.promise]);
    cancel();
    await this.#runner.leave();
  }

  #told(state: SessionState, onState: SessionOptions["onState"]): void {
    this.#state = state;
    // In a turn of its own: what it throws is no problem of the session
    if (onState) queueMicrotask(() => onState(state));
    if (state.kind !== "ended") return;
    this.#conversation.end(state.end);
    this.#ended.resolve(state.end);
  }
}
