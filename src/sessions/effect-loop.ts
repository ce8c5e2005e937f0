import { clockWaitMs } from "../deadline/clock-look.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import type { RegistryEffect, RegistryEffects, SessionRegistry } from "./core/session-registry.ts";

export interface EffectLoopOptions {
  readonly clock: Clock;
  readonly registry: Pick<SessionRegistry, "wakeAtMs" | "lookNext">;
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
    this.#add(effects);
    if (!this.#isActing) this.#acting(() => this.#performAll());
  }

  #add(effects: RegistryEffects): void {
    // There may be more of them than a call takes arguments
    for (const effect of effects) this.#effects.push(effect);
  }

  #acting(act: () => void): void {
    this.#isActing = true;
    try {
      act();
    } finally {
      this.#isActing = false;
      this.#arm();
    }
  }

  /** Also those that come meanwhile. One that throws holds up no other: the error goes on to who had them done. */
  #performAll(): void {
    try {
      for (let next = this.#effects[this.#begun++]; next !== undefined; next = this.#effects[this.#begun++])
        this.#options.perform(next);
    } finally {
      if (this.#begun < this.#effects.length) this.#performAll();
      else {
        this.#effects.length = 0;
        this.#begun = 0;
      }
    }
  }

  /** One peer after the other: of ten thousand whose time has come the first ones don't wait for all to be looked at. Those after an error are looked at next. */
  #look(): void {
    const { clock, registry } = this.#options;
    const nowMs = clock.nowMs();
    this.#acting(() => {
      for (let effects = registry.lookNext(nowMs); effects !== undefined; effects = registry.lookNext(nowMs)) {
        this.#add(effects);
        this.#performAll();
      }
    });
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
      this.#look();
    });
    this.#timer = { atMs, cancel };
  }
}
