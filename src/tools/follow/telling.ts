import { describeStep } from "../../ring/describe.ts";
import { eventsBetween } from "./progress.ts";
import { shortened } from "../text/line-fit.ts";
import { line, paint, type Io, type Style } from "../text/screen.ts";
import { statusReport } from "../../ring/status.ts";
import type { View } from "../../ring/view.ts";
import { clockTime, withClockTimes, type LocalNow } from "../text/words.ts";

const styles: Readonly<Record<string, Style>> = {
  active: "active",
  prepared: "prepared",
  published: "prepared",
  "verify-only": "verifyOnly",
  revoked: "revoked",
};

const wipe = "\r\u001b[2K";

/**
 * Tells on the error screen what happens to a rotation, a line each, and what it waits for: on a terminal in a last line
 * that counts down, elsewhere in a line whenever that changes.
 */
export class Telling {
  readonly #io: Io;
  #last: View;
  #waitingFor: string | undefined;
  #isPending = false;

  /** @param before - What is told is what happened since then */
  constructor(io: Io, before: View) {
    this.#io = io;
    this.#last = before;
  }

  look(view: View): void {
    if (view.ring) {
      for (const { what, text } of eventsBetween(this.#last.ring, view.ring)) this.#say(view, [what, text]);
    }
    this.#last = view;
  }

  /**
   * Called when it is not done yet.
   *
   * @param why - Who holds it up, where that is known better than the plan does
   */
  waiting(view: View, why?: string): void {
    const waitingFor = why ?? statusReport(view).waitingFor;
    if (this.#io.err.live) this.#pend(view, waitingFor);
    else if (waitingFor !== undefined && waitingFor !== this.#waitingFor) this.#say(view, ["waiting", waitingFor]);
    this.#waitingFor = waitingFor;
  }

  /** Called when the home could not be looked at: it is tried again. */
  missed(why: string): void {
    if (this.#waitingFor !== why) this.#say(this.#last, ["waiting", why]);
    this.#waitingFor = why;
  }

  /** Must be called before anything else is written. */
  clear(): void {
    if (this.#isPending) this.#io.err.write(wipe);
    this.#isPending = false;
  }

  /** What it waited for when it was last looked at, as of now. */
  get unmet(): string {
    const waitingFor = this.#waitingFor ?? statusReport(this.#last).waitingFor ?? this.#undone;
    return withClockTimes(waitingFor, { nowMs: this.#io.nowMs(), timeZone: this.#io.timeZone });
  }

  /** Nothing is waited for, but somebody has yet to do it. */
  get #undone(): string {
    const { decision } = this.#last;
    const [first] = decision.kind === "plan" ? decision.plan.steps : [];
    return first ? `for a pass to come: ${describeStep(first)}` : "nothing that is known";
  }

  #pend(view: View, waitingFor: string | undefined): void {
    const { err } = this.#io;
    const text = waitingFor === undefined ? "…" : withClockTimes(waitingFor, this.#clock(view));
    // A line that wraps could not be wiped
    err.write(`${wipe}${paint(err, "faint", shortened(`waiting: ${text}`, err.columns - 1, err.unicode))}`);
    this.#isPending = true;
  }

  #say(view: View, [what, text]: readonly [what: string, text: string]): void {
    this.clear();
    const { err } = this.#io;
    const clock = this.#clock(view);
    const at = paint(err, "faint", clockTime(view.nowMs, clock));
    line(err, `${at}  ${paint(err, styles[what] ?? "faint", what.padEnd(11))}  ${withClockTimes(text, clock)}`);
  }

  #clock({ nowMs }: View): LocalNow {
    return { nowMs, timeZone: this.#io.timeZone };
  }
}
