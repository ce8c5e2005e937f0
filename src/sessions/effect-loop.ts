import { clockWaitMs } from "../deadline/clock-look.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import type { RegistryEffect, RegistryEffects, SessionRegistry } from "./core/session-registry.ts";

export interface EffectLoopOptions {
  readonly clock: Clock;
  readonly registry: Pick<SessionRegistry, "wakeAtMs" | "look">;
  readonly perform: (effect: RegistryEffect) => void;
}

/** Does what is to be done, in its order, and what the clock says in its time. */
export class EffectLoop {
  readonly #options: EffectLoopOptions;
  /** An effect may cause others, which come after those that were there before. */
  readonly #effects: RegistryEffect[] = [];
  /** So many of them. */
  #begun = 0;
  #isActing = false;
  #timer: { readonly atMs: number; readonly cancel: Cancel } | undefined;

  constructor(options: EffectLoopOptions) {
    this.#options = options;
  }

  act(effects: RegistryEffects): void {
    // There may be more of them than a call takes arguments
    for (const effect of effects) this.#effects.push(effect);
    if (this.#isActing) return;
    this.#isActing = true;
    this.#performAll();
  }

  /** Also those that come meanwhile. One that throws holds up no other: the error goes on to who had them done. */
  #performAll(): void {
    try {
      for (let next = this.#effects[this.#begun++]; next !== undefined; next = this.#effects[this.#begun++])
        this.#options.perform(next);
    } finally {
      if (this.#begun < this.#effects.length) this.#performAll();
      else this.#rest();
    }
  }

  #rest(): void {
    this.#effects.length = 0;
    this.#begun = 0;
    this.#isActing = false;
    this.#arm();
  }

  /** One timer for all, that sees a clock that was set in time. */
  #arm(): void {
    const { clock, registry } = this.#options;
    const atMs = registry.wakeAtMs;
    if (atMs < Infinity && atMs >= (this.#timer?.atMs ?? Infinity)) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (atMs === Infinity) return;
    const cancel = clock.after(clockWaitMs(atMs, clock.nowMs()), () => {
      this.#timer = undefined;
      this.act(registry.look(clock.nowMs()));
    });
    this.#timer = { atMs, cancel };
  }
}
