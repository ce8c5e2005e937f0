import type { Cancel, Clock } from "../time/clock.ts";
import type { SessionDeadlines } from "../deadline/session.ts";
import type { Acceptance, PeerEvent, ResumePoint } from "./core/peer-state.ts";
import { final, retryable, type SessionEnd } from "./core/session-end.ts";
import type { ClientFrame, ServerFrame } from "./protocol/session-frames.ts";
import type { SessionEnding, SessionObserver } from "./session-observer.ts";

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

/** What a connection asks of the service that it is of. */
export interface ConnectionDesk {
  readonly clock: Clock;
  readonly timings: SessionTimings;
  readonly observer: SessionObserver;
  /** The session of this connection from now on, unless it is refused, which the pipe is told. */
  begin(connection: SessionConnection, hello: { readonly instanceId: string; readonly resume?: ResumePoint }): void;
  from(event: Extract<PeerEvent, { kind: "heard" | "confirmed" | "lost" }>): void;
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

/** One connection: waits for the hello, hears the heartbeats, and ends once. */
export class SessionConnection implements SessionInput {
  readonly #desk: ConnectionDesk;
  readonly #pipe: SessionPipe;
  #sessionId: string | undefined;
  #expiresAtMs: number | undefined;
  #heardAtMs = 0;
  #isOver = false;
  #cancel: Cancel;

  constructor(desk: ConnectionDesk, pipe: SessionPipe) {
    this.#desk = desk;
    this.#pipe = pipe;
    this.#cancel = desk.clock.after(desk.timings.helloMs, () => this.end(retryable("NoHello")));
  }

  /** Its session has been accepted under this id. */
  opened(sessionId: string, { deadlines, isResumed }: Acceptance): void {
    this.#sessionId = sessionId;
    this.#expiresAtMs = deadlines.expiresAtMs;
    this.#desk.observer.opened(isResumed ? "resumed" : "anew");
    this.#cancel();
    this.#heardAtMs = this.#desk.clock.monotonicMs();
    this.#listen();
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
    this.#heardAtMs = this.#desk.clock.monotonicMs();
    const sessionId = this.#sessionId;
    if (frame === undefined || (frame.kind === "hello") !== (sessionId === undefined)) {
      this.#endForBoth(final("BadMessage"), true);
    } else if (frame.kind === "hello") {
      this.#desk.begin(this, frame);
    } else if (frame.kind === "heartbeat") {
      this.send({ heartbeat: {} });
    } else if (sessionId !== undefined) {
      this.#desk.from(
        frame.kind === "message"
          ? { kind: "heard", sessionId, message: frame.message }
          : { kind: "confirmed", sessionId, seq: frame.seq },
      );
    }
  }

  lost(left: boolean): void {
    if (this.#isOver) return;
    this.#finish(left ? "Left" : "Lost");
    this.#forget(left);
  }

  #endForBoth(end: SessionEnd, left: boolean): void {
    this.end(end);
    this.#forget(left);
  }

  #forget(left: boolean): void {
    if (this.#sessionId !== undefined) this.#desk.from({ kind: "lost", sessionId: this.#sessionId, left });
  }

  #finish(code: SessionEnding): void {
    const { clock, observer } = this.#desk;
    this.#isOver = true;
    this.#cancel();
    if (this.#sessionId === undefined) return;
    observer.ended(code, Math.max(0, clock.nowMs() - (this.#expiresAtMs ?? Infinity)));
  }

  /** One timer, however much is said. */
  #listen(): void {
    const { clock, timings } = this.#desk;
    const leftMs = this.#heardAtMs + patience * timings.heartbeatMs - clock.monotonicMs();
    if (leftMs <= 0) this.#endForBoth(retryable("Silent"), false);
    else this.#cancel = clock.after(leftMs, () => this.#listen());
  }
}
