import { describeStep } from "../../ring/describe.ts";
import { KeyturnError } from "../../errors/keyturn-error.ts";
import type { Keeper } from "../../ring/keeper.ts";
import { viewOf, type View } from "../../ring/view.ts";
import type { RingHome } from "../../keeper/home.ts";
import type { Io } from "../text/screen.ts";
import { newKeyText } from "../text/words.ts";
import { formatInstant } from "../../parse/instant.ts";

/** A keeper that gets on leaves nothing due for longer, in milliseconds. */
const promptMs = 5000;
/** Between two looks at what is due, in milliseconds: most is done at once, and nobody is to be waited for in vain. */
const firstPauseMs = 50;
const longestPauseMs = 1000;
/** Who waits asks so often who carries it out, in milliseconds. */
const askEveryMs = 5000;

/** Who carries the rotation out, and what has been due for too long. */
export interface Attended {
  readonly keeper: Keeper;
  readonly overdue?: {
    /** The step, in people's words. */
    readonly what: string;
    /** Since when it has been seen to be due, Unix milliseconds. */
    readonly sinceMs: number;
  };
}

/** Follows whether somebody carries a rotation out, and gets on. */
export class Attendance {
  readonly #home: RingHome;
  readonly #io: Pick<Io, "nowMs">;
  #keeper: Keeper | undefined;
  #askedAtMs = -Infinity;
  #due: { readonly mark: string; readonly sinceMs: number } | undefined;

  constructor(home: RingHome, io: Pick<Io, "nowMs">) {
    this.#home = home;
    this.#io = io;
  }

  async look(view: View): Promise<Attended> {
    const nowMs = this.#io.nowMs();
    if (this.#keeper === undefined || Math.abs(nowMs - this.#askedAtMs) >= askEveryMs) {
      this.#keeper = await this.#ask();
      this.#askedAtMs = nowMs;
    }
    const what = dueIn(view);
    const mark = `${view.ring?.generation ?? 0} ${what ?? ""}`;
    if (this.#due?.mark !== mark) this.#due = { mark, sinceMs: nowMs };
    const { sinceMs } = this.#due;
    const isOverdue = what !== undefined && nowMs - sinceMs >= promptMs;
    return { keeper: this.#keeper, ...(isOverdue && { overdue: { what, sinceMs } }) };
  }

  /** That it can't be told must not hide what can. */
  async #ask(): Promise<Keeper> {
    try {
      return await this.#home.keeper();
    } catch (error) {
      if (error instanceof KeyturnError) return { kind: "unknown", why: error.message };
      throw error;
    }
  }
}

/** What the next pass does first. */
function dueIn({ decision }: View): string | undefined {
  const [first] = decision.kind === "plan" ? decision.plan.steps : [];
  return first && newKeyText(describeStep(first));
}

/** Why nothing happens, in one line with RFC 3339 instants; undefined while all is well as far as it can be told. */
export function neglectOf({ keeper, overdue }: Attended): string | undefined {
  if (keeper.kind === "nobody") return `nobody carries it out: ${keeper.why}; ${keeper.remedy}`;
  if (overdue === undefined) return undefined;
  const due = `${overdue.what}, due since ${formatInstant(overdue.sinceMs)} at least`;
  return keeper.kind === "acts"
    ? `${due}: ${keeper.who} does not get on, its log says why`
    : `${due}: whether anybody carries it out can't be told, ${keeper.why}`;
}

/** A look at the home, with what is to be known of its keeper. */
export interface AttendedLook {
  readonly view: View;
  readonly keeper: Keeper;
  /** {@link neglectOf} */
  readonly neglect?: string;
}

export function withNeglect(view: View, attended: Attended): AttendedLook {
  const neglect = neglectOf(attended);
  return { view, keeper: attended.keeper, ...(neglect !== undefined && { neglect }) };
}

/** Looks until nothing is due, or it is known that nobody does it: a few seconds at most. */
export async function attendedLook(home: RingHome, io: Io): Promise<AttendedLook> {
  const attendance = new Attendance(home, io);
  let leftMs = promptMs;
  for (let nextMs = firstPauseMs; ; nextMs = Math.min(2 * nextMs, longestPauseMs)) {
    const view = viewOf(await home.observe(io.interrupted));
    const look = withNeglect(view, await attendance.look(view));
    const isSettled = look.neglect !== undefined || dueIn(view) === undefined;
    if (isSettled || leftMs <= 0 || io.interrupted.aborted) return look;
    const pauseMs = Math.min(nextMs, leftMs);
    await io.pause(pauseMs, io.interrupted);
    leftMs -= pauseMs;
  }
}
