import type { Http2Session } from "node:http2";
import { type Cancel, type Clock, systemClock } from "../time/clock.ts";

interface CareRules {
  /** So often a connection is pinged, and ended when no answer comes for as long again. */
  readonly pingMs: number;
  /** A connection that has had no call for so long ends. */
  readonly idleMs: number;
}

interface Cared {
  /** Streams that are open. */
  streams: number;
  usedAtStep: number;
  pingedAtStep: number;
  isAlive: boolean;
}

/** The connections of a server: pings them, and ends those that nobody uses. One timer for all: what it does may be late by a quarter of the shorter time. */
export class ConnectionCare {
  readonly #steps: { readonly ofPing: number; readonly ofIdle: number };
  readonly #stepMs: number;
  readonly #clock: Pick<Clock, "after">;
  readonly #connections = new Map<Http2Session, Cared>();
  readonly #forget: (this: Http2Session) => void;
  #step = 0;
  #cancel: Cancel | undefined;

  constructor({ pingMs, idleMs }: CareRules, clock: Pick<Clock, "after"> = systemClock) {
    this.#clock = clock;
    this.#stepMs = Math.min(pingMs, idleMs) / stepsOfTime;
    // The step in which something began was not a whole one
    const stepsOf = (ms: number): number => Math.ceil(ms / this.#stepMs) + 1;
    this.#steps = { ofPing: stepsOf(pingMs), ofIdle: stepsOf(idleMs) };
    const leave = (connection: Http2Session): void => this.#leave(connection);
    this.#forget = function forget() {
      leave(this);
    };
  }

  add(connection: Http2Session): void {
    const [usedAtStep, pingedAtStep] = [this.#step, this.#step];
    this.#connections.set(connection, { streams: 0, usedAtStep, pingedAtStep, isAlive: true });
    connection.on("close", this.#forget);
    if (this.#cancel === undefined) this.#arm();
  }

  /** It has a call. */
  used(connection: Http2Session | undefined): void {
    const cared = connection && this.#connections.get(connection);
    if (cared) cared.usedAtStep = this.#step;
  }

  /** It has a stream, until what is returned is called. */
  streaming(connection: Http2Session | undefined): () => void {
    const cared = connection && this.#connections.get(connection);
    if (cared === undefined) return () => undefined;
    cared.streams += 1;
    return () => {
      cared.streams -= 1;
      cared.usedAtStep = this.#step;
    };
  }

  /** Tells all to put nothing more on their connections (GOAWAY). Those without a call end at once. */
  drain(): void {
    for (const connection of this.#connections.keys()) connection.close();
  }

  #leave(connection: Http2Session): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    this.#cancel = this.#clock.after(this.#stepMs, () => {
      this.#step += 1;
      this.#arm();
      for (const [connection, cared] of this.#connections) this.#look(connection, cared);
    });
  }

  #look(connection: Http2Session, cared: Cared): void {
    if (connection.destroyed) return;
    if (cared.streams === 0 && this.#step - cared.usedAtStep >= this.#steps.ofIdle) connection.close();
    if (this.#step - cared.pingedAtStep < this.#steps.ofPing) return;
    if (!cared.isAlive) {
      connection.destroy();
      return;
    }
    cared.isAlive = false;
    cared.pingedAtStep = this.#step;
    connection.ping(() => (cared.isAlive = true));
  }
}

const stepsOfTime = 8;
