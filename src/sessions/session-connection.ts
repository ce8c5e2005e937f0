import type { Clock } from "../time/clock.ts";
import type { SessionDeadlines } from "../deadline/session.ts";
import type { Acceptance, PeerEvent, ResumePoint } from "./core/peer-state.ts";
import { type EndCode, final, retryable, type SessionEnd } from "./core/session-end.ts";
import type { ClientFrame, ServerFrame } from "./protocol/session-frames.ts";
import type { SessionEnding, SessionObserver } from "./session-observer.ts";
import { SilenceWatch } from "./silence-watch.ts";

/** The way to a client, whatever the transport. */
export interface SessionPipe {
  send(frame: ServerFrame): void;
  /** Says why, and closes the connection. */
  close(end: SessionEnd): void;
}

/** What a transport brings from a client. Nothing counts any more once the pipe was closed. */
export interface SessionInput {
  /** @param frame - Undefined for what is no frame of the protocol */
  heard(frame: ClientFrame | undefined): void;
  /** @param left - The client has closed it in good order, and is not coming back */
  lost(left: boolean): void;
}

/** What all connections ask of the service that they are of. */
export interface ConnectionDesk {
  readonly clock: Clock;
  readonly observer: SessionObserver;
  readonly watches: ConnectionWatches;
  /** All that are not over, with a session or without. */
  readonly connections: Set<SessionConnection>;
  /** The session of this connection from now on, unless it is refused, which the pipe is told. */
  begin(connection: SessionConnection, hello: ShownHello): void;
  from(event: Extract<PeerEvent, { kind: "heard" | "confirmed" | "lost" }>): void;
}

/** What a client says first, and the token that it has shown. */
interface ShownHello {
  readonly token: string;
  readonly instanceId: string;
  readonly resume?: ResumePoint;
}

/** In milliseconds. */
export interface SessionTimings {
  /** Until the hello has come. */
  readonly helloMs: number;
  /** Between two words of a client. */
  readonly heartbeatMs: number;
}

/** So many heartbeats may be missed. */
const patience = 2.5;

/** Who still has to say hello, and who has to say something. */
export interface ConnectionWatches {
  readonly hellos: SilenceWatch<SessionConnection>;
  readonly words: SilenceWatch<SessionConnection>;
}

export function connectionWatches(clock: Clock, { helloMs, heartbeatMs }: SessionTimings): ConnectionWatches {
  const silent = (connection: SessionConnection): void => connection.silent();
  return {
    hellos: new SilenceWatch(clock, helloMs, silent),
    words: new SilenceWatch(clock, patience * heartbeatMs, silent),
  };
}

type SessionFrame = Exclude<ClientFrame, { kind: "hello" }>;

/** Frames that may come before a session is accepted for which other replicas are asked. */
const mostEarly = 16;

/** One connection: waits for the hello, hears the heartbeats, and ends once. */
export class SessionConnection implements SessionInput {
  readonly #desk: ConnectionDesk;
  readonly #pipe: SessionPipe;
  /** Until the hello. */
  #token: string | undefined;
  #sessionId: string | undefined;
  #expiresAtMs: number | undefined;
  /** What came while the hello waits for other replicas. */
  #early: SessionFrame[] | undefined;
  #isOver = false;

  constructor(desk: ConnectionDesk, token: string, pipe: SessionPipe) {
    this.#desk = desk;
    this.#token = token;
    this.#pipe = pipe;
    desk.connections.add(this);
    desk.watches.hellos.heard(this);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Its session has been accepted under this id. */
  opened(sessionId: string, { deadlines, isResumed, takenFrom }: Acceptance): void {
    this.#sessionId = sessionId;
    this.#expiresAtMs = deadlines.expiresAtMs;
    const { observer, watches } = this.#desk;
    const how = isResumed ? "resumed" : "anew";
    observer.opened(sessionId, how);
    if (takenFrom !== undefined) observer.takenOver(takenFrom, how);
    watches.words.heard(this);
  }

  /** What was said before it was accepted counts now. */
  catchUp(): void {
    const early = this.#early;
    if (early === undefined) return;
    this.#early = undefined;
    for (const frame of early) this.heard(frame);
  }

  /** It was renewed in place. */
  extended({ expiresAtMs }: SessionDeadlines): void {
    this.#expiresAtMs = expiresAtMs;
    this.#desk.observer.renewed();
  }

  send(frame: ServerFrame): void {
    if (!this.#isOver) this.#pipe.send(frame);
  }

  /** The first end is the end. */
  end(end: SessionEnd): void {
    if (this.#isOver) return;
    if (this.#sessionId === undefined) this.#desk.observer.refused(end.code);
    this.#finish(end.code);
    this.#pipe.close(end);
  }

  heard(frame: ClientFrame | undefined): void {
    if (this.#isOver) return;
    const [sessionId, token] = [this.#sessionId, this.#token];
    const { watches } = this.#desk;
    if (sessionId !== undefined) watches.words.heard(this);
    if (frame?.kind === "hello" && token !== undefined) {
      this.#token = undefined;
      watches.hellos.forget(this);
      this.#desk.begin(this, { ...frame, token });
    } else if (frame === undefined || frame.kind === "hello" || token !== undefined) {
      this.#endForBoth(final("BadMessage"), true);
    } else if (sessionId === undefined) {
      this.#heardEarly(frame);
    } else {
      this.#heardOf(sessionId, frame);
    }
  }

  #heardEarly(frame: SessionFrame): void {
    this.#early ??= [];
    if (this.#early.length < mostEarly) this.#early.push(frame);
    else this.end(retryable("TooMany", 1000));
  }

  #heardOf(sessionId: string, frame: SessionFrame): void {
    if (frame.kind === "heartbeat") {
      this.send({ heartbeat: {} });
      return;
    }
    this.#desk.from(
      frame.kind === "message"
        ? { kind: "heard", sessionId, message: frame.message }
        : { kind: "confirmed", sessionId, seq: frame.seq },
    );
  }

  lost(left: boolean): void {
    if (this.#isOver) return;
    this.#finish(left ? "Left" : "Lost");
    this.#forget(left);
  }

  /** No word came in time. */
  silent(): void {
    if (this.#sessionId === undefined) this.end(retryable("NoHello"));
    else this.#endForBoth(retryable("Silent"), false);
  }

  #endForBoth(end: SessionEnd, left: boolean): void {
    this.end(end);
    this.#forget(left, end.code);
  }

  #forget(left: boolean, code?: EndCode): void {
    const sessionId = this.#sessionId;
    if (sessionId !== undefined)
      this.#desk.from({ kind: "lost", sessionId, left, ...(code !== undefined && { code }) });
  }

  #finish(code: SessionEnding): void {
    const { clock, connections, observer, watches } = this.#desk;
    this.#isOver = true;
    connections.delete(this);
    this.#token = undefined;
    this.#early = undefined;
    watches.hellos.forget(this);
    watches.words.forget(this);
    const sessionId = this.#sessionId;
    if (sessionId === undefined) return;
    const pastExpiryMs = Math.max(0, clock.nowMs() - (this.#expiresAtMs ?? Infinity));
    observer.ended({ sessionId, code, pastExpiryMs });
  }
}
