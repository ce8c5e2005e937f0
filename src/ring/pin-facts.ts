import { formatInstant } from "../parse/instant.ts";
import type { Policy } from "./plan.ts";

/** What is known of a pin beside its kid. */
export interface PinFacts {
  /** Names of those who have set it; empty where nobody says. */
  readonly setBy: readonly string[];
  /** Since when it holds the signer, Unix milliseconds; absent before that was reported. */
  readonly sinceMs?: number;
}

const named = ({ setBy }: PinFacts): string => `set by ${setBy.map((name) => `"${name}"`).join(" and ")}`;

/** `; set by "keyturn-cli"`: whom to ask. Empty where nobody says. */
export const setByText = (pin: PinFacts | undefined): string =>
  pin === undefined || pin.setBy.length === 0 ? "" : `; ${named(pin)}`;

/** The same of a pin that holds, and since when: from then on the schedule has counted no more. */
export function heldText(pin: PinFacts | undefined, { schedule }: Policy, nowMs: number): string {
  if (pin === undefined) return "";
  const by = pin.setBy.length === 0 ? "" : `${named(pin)}, `;
  const what = schedule.kind === "onRequest" ? "it has held" : "it has stopped the schedule";
  // Whole seconds, as the time of the condition is written
  return `; ${by}${what} since ${formatInstant(Math.floor((pin.sinceMs ?? nowMs) / 1000) * 1000)}`;
}
