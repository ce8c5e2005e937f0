import { shortKid } from "../../ring/describe.ts";
import type { Step } from "../../ring/plan.ts";
import { waitUntil } from "../change/ask-change.ts";
import type { ExitCode } from "../exit.ts";
import type { RingHome } from "../../keeper/home.ts";
import { firstLook } from "../first-look.ts";
import { eventsBetween, type RingEvent } from "./progress.ts";
import type { Io } from "../text/screen.ts";
import { holds, type View } from "../../ring/view.ts";
import { rotationName } from "../../ring/ring.ts";

/** Steps that can be waited for, by the names that the planner has for them, and what the ring shows when they are done. */
const steps = {
  create: "prepared",
  publish: "published",
  activate: "active",
  quiesce: "quiesced",
  forget: "stripped",
  prune: "pruned",
  revoke: "revoked",
} as const satisfies Partial<Record<Step["type"], RingEvent["what"]>>;
export type WaitStep = keyof typeof steps;
export const waitSteps = Object.keys(steps).filter((name): name is WaitStep => name in steps);

/** What to wait for: `Ready`, `rotated`, or the next step of a kind. */
export type WaitFor = "Ready" | "rotated" | { readonly step: WaitStep };

/** The text of `--for`; undefined when it means nothing. */
export function waitForOf(text: string): WaitFor | undefined {
  if (text.toLowerCase() === "ready" || text.toLowerCase() === "condition=ready") return "Ready";
  if (text === "rotated") return "rotated";
  const step = waitSteps.find((name) => text === `step=${name}`);
  return step && { step };
}

export interface WaitForOptions {
  readonly for: WaitFor;
  readonly deadline?: AbortSignal;
}

/** Stays until it is true. `rotated` is true when nothing that was asked for is left to do. */
export async function wait(home: RingHome, options: WaitForOptions, io: Io): Promise<ExitCode> {
  const before = await firstLook(home, io);
  const { deadline } = options;
  const done = doneBy(options.for, before);
  const about = typeof options.for === "object" ? options.for.step : undefined;
  return waitUntil({ home, io, before, ...(deadline && { deadline }), ...(about && { about }), done });
}

function doneBy(target: WaitFor, before: View): (view: View) => string | undefined {
  if (target === "Ready") return ready;
  if (target === "rotated") return rotated;
  let last = before.ring;
  return (view) => {
    const news = view.ring ? eventsBetween(last, view.ring) : [];
    last = view.ring ?? last;
    return news.find((h) => h.what === steps[target.step])?.text.replace(/^k/, "K");
  };
}

const ready = (view: View): string | undefined =>
  holds(view, "Ready") ? `${rotationName(view.seen.rotation)} is ready` : undefined;

function rotated(view: View): string | undefined {
  const { ring, seen } = view;
  if (!ring || holds(view, "Rotating")) return undefined;
  if (seen.requests.some((request) => !ring.handledRequests.includes(request))) return undefined;
  return `${rotationName(seen.rotation)} is rotated: key ${shortKid(ring.signer.kid)} signs`;
}
