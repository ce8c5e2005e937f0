import type { Clock } from "../time/clock.ts";
import type { PeerEffect, SessionRules } from "./core/peer-state.ts";
import { acceptedFrame, renewedFrame } from "./protocol/session-frames.ts";
import type { SessionConnection, SessionTimings } from "./session-connection.ts";

export interface OpenConnectionsOptions {
  readonly rules: SessionRules;
  readonly timings: SessionTimings;
  readonly clock: Pick<Clock, "nowMs">;
}

/** What is done to one session's connection. */
type ConnectionEffect = Extract<PeerEffect, { readonly sessionId: string }>;

/** The connections of sessions that are open, and what clients are told over them. */
export class OpenConnections {
  readonly #options: OpenConnectionsOptions;
  readonly #connections = new Map<string, SessionConnection>();

  constructor(options: OpenConnectionsOptions) {
    this.#options = options;
  }

  /** This session is to be opened over it. */
  begin(sessionId: string, connection: SessionConnection): void {
    this.#connections.set(sessionId, connection);
  }

  lost(sessionId: string): void {
    this.#connections.delete(sessionId);
  }

  /** Nothing for a session whose connection is gone. */
  perform(effect: ConnectionEffect): void {
    const { rules, timings, clock } = this.#options;
    const connection = this.#connections.get(effect.sessionId);
    switch (effect.kind) {
      case "accept":
        connection?.opened(effect.sessionId, effect.acceptance);
        connection?.send({ accepted: acceptedFrame(effect, { ...rules, ...timings }, clock.nowMs()) });
        connection?.catchUp();
        return;
      case "transmit":
        connection?.send({ message: effect.message });
        return;
      case "confirm":
        connection?.send({ received: { seq: effect.seq } });
        return;
      case "extend":
        connection?.extended(effect.deadlines);
        connection?.send({ renewed: renewedFrame(effect.deadlines, rules, clock.nowMs()) });
        return;
      case "close":
        this.#connections.delete(effect.sessionId);
        connection?.end(effect.end);
        return;
      default:
        effect satisfies never;
    }
  }
}
