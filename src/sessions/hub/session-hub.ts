import type { Log } from "../../telemetry/log.ts";
import type { SessionMessage } from "../core/outbox.ts";
import type { PeerKey, SessionDelivery, SessionNews } from "../core/peer-state.ts";
import { type SessionObserver, unobserved } from "../session-observer.ts";
import type { SessionApplication } from "../session-service.ts";
import { type Arrival, Attachment, type HubPipe, type HubSessions } from "./attachment.ts";

/** Where the application beside the gateway hears of sessions and sends to their peers. One at a time, and it may be away. */
export class SessionHub implements SessionApplication {
  readonly #log: Log;
  readonly #observer: Pick<SessionObserver, "redelivered">;
  readonly #arrivals = new WeakMap<SessionMessage, Arrival>();
  /** What was sent and not answered: what is sent again meanwhile is answered with it. */
  readonly #underWay = new Set<string>();
  #attachments = 0;
  #current: Attachment | undefined;

  constructor(log: Log, observer: Pick<SessionObserver, "redelivered"> = unobserved) {
    this.#log = log;
    this.#observer = observer;
  }

  get isAttached(): boolean {
    return this.#current !== undefined;
  }

  /** In how many places something is kept for applications, beside what waits in the sessions. */
  get remembered(): number {
    return this.#underWay.size + (this.#current?.remembered ?? 0);
  }

  /** An application is there, and takes over from the one before. */
  attach(sessions: HubSessions, pipe: HubPipe): Attachment {
    const before = this.#current;
    this.#current = undefined;
    before?.end("Superseded");
    const attachment = new Attachment(
      {
        ...{ sessions, arrivals: this.#arrivals },
        send: (peer, message) => this.#send(sessions, peer, message),
        left: (one) => this.#left(one),
        redelivered: () => this.#observer.redelivered(),
      },
      pipe,
      ++this.#attachments,
    );
    this.#current = attachment;
    this.#log.info({}, before ? "another application has taken over the hub" : "an application is at the hub");
    attachment.begin();
    return attachment;
  }

  /** The gateway stops: the application is told. */
  close(): void {
    this.#current?.end("Draining");
  }

  deliver(peer: PeerKey, { message, claims, isRedelivered }: SessionDelivery): void {
    // An application elsewhere has the number of no attachment here
    this.#arrivals.set(message, { claims, ...(isRedelivered && { shownTo: 0 }) });
    this.#current?.look(peer);
  }

  tell(peer: PeerKey, news: SessionNews): void {
    this.#current?.hear(peer, news);
  }

  /** The answer is for whoever is there when it comes. */
  #send(sessions: HubSessions, peer: PeerKey, message: Omit<SessionMessage, "seq">): void {
    const { id } = message;
    const key = JSON.stringify([peer.subject, peer.instanceId, id]);
    if (this.#underWay.has(key)) return;
    this.#underWay.add(key);
    void sessions.send(peer, message).then((outcome) => {
      this.#underWay.delete(key);
      this.#current?.answer({ peer, id, outcome });
    });
  }

  #left(attachment: Attachment): void {
    if (this.#current !== attachment) return;
    this.#current = undefined;
    this.#log.info({}, "the application has left the hub");
  }
}
