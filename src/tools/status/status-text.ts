import type { Condition } from "../../ring/conditions.ts";
import { describeGate, describeStep } from "../../ring/describe.ts";
import type { Keeper } from "../../ring/keeper.ts";
import { nextRotation, unplanned } from "../../ring/next-rotation.ts";
import { type Ring, keysOf, rotationName } from "../../ring/ring.ts";
import { padded, paint, type Appearance, type Style } from "../text/screen.ts";
import { pairs } from "../text/table.ts";
import { leastColumns, renderTimeline } from "../timeline/render-timeline.ts";
import { holds, type View } from "../../ring/view.ts";
import {
  clockTime,
  clockTimeAndDistance,
  cutKid,
  kidLength,
  listed,
  withClockTimes,
  type LocalNow,
} from "../text/words.ts";
import { statusReport } from "../../ring/status.ts";
import { keyTable, revocationLines } from "./status-tables.ts";

export interface StatusTextInput {
  readonly view: View;
  readonly keeper: Keeper;
  /** Why nothing happens, where nobody carries it out or somebody does not get on. */
  readonly neglect?: string;
  readonly where: string;
  /** What must be known beside it, a line each. @default none */
  readonly remarks?: readonly string[];
  readonly look: Appearance;
  readonly timeZone: string;
  /** Whole kids, and more columns. */
  readonly wide: boolean;
}

/** The status as people read it: conditions, what comes next, the picture, the keys. */
export function statusText(input: StatusTextInput): readonly string[] {
  const { view, keeper, neglect, where, remarks = [], look, timeZone } = input;
  const clock: LocalNow = { nowMs: view.nowMs, timeZone };
  const { ring, forecast, nowMs } = view;
  const picture =
    ring && look.columns >= leastColumns ? ["", ...renderTimeline({ ring, forecast, nowMs, ...look, timeZone })] : [];
  return [
    `${paint(look, "strong", rotationName(view.seen.rotation))}  ${paint(look, "faint", where)}`,
    "",
    ...(neglect === undefined ? [] : [neglectLine(neglect, look, clock)]),
    ...conditionLines(view.conditions, look, clock),
    ...remarks.map((text) => ` ${paint(look, ["strong", "busy"], `! ${padded("Note", 11)}`)}  ${text}`),
    "",
    ...pairs(factsOf(view, keeper, { look, clock }), look).map((text) => ` ${text}`),
    ...picture,
    ...(ring ? ["", ...keyTable(ring, input, clock)] : []),
    ...revocationLines(view, input, clock),
  ];
}

/** What each condition means to the reader; False is no fault but for Ready. */
const marks: Readonly<
  Record<Condition["type"], { readonly unicode: string; readonly ascii: string; readonly style: Style }>
> = {
  Ready: { unicode: "●", ascii: "+", style: "good" },
  Rotating: { unicode: "↻", ascii: "~", style: "busy" },
  Pinned: { unicode: "◉", ascii: "!", style: "busy" },
  Suspended: { unicode: "‖", ascii: "!", style: "busy" },
  Reconciling: { unicode: "↻", ascii: "~", style: "busy" },
  Stalled: { unicode: "✕", ascii: "X", style: "bad" },
  RevocationPending: { unicode: "✕", ascii: "X", style: "bad" },
};

/** Those that hold, and `Ready` always; a pin that was asked for and does not hold, too. */
function conditionLines(conditions: readonly Condition[], look: Appearance, clock: LocalNow): readonly string[] {
  const ready = conditions.find((c) => c.type === "Ready");
  const shown = conditions.filter(
    (c) =>
      (c.status === "True" && c.message !== ready?.message) ||
      c.type === "Ready" ||
      (c.type === "Pinned" && c.reason !== "NotPinned"),
  );
  return shown.map(({ type, status, message }) => {
    const isTrue = status === "True";
    const { unicode, ascii, style } = isTrue ? marks[type] : { ...marks.Stalled, style: "bad" as const };
    const name = isTrue ? type : `Not ${type.toLowerCase()}`;
    const label = paint(look, ["strong", style], `${look.unicode ? unicode : ascii} ${padded(name, 11)}`);
    return ` ${label}  ${withClockTimes(message, clock)}`;
  });
}

/** Above the conditions: what is true of the ring now is no comfort where nothing will happen to it. */
function neglectLine(neglect: string, look: Appearance, clock: LocalNow): string {
  const { unicode, ascii, style } = marks.Stalled;
  const label = paint(look, ["strong", style], `${look.unicode ? unicode : ascii} ${padded("Neglected", 11)}`);
  return ` ${label}  ${withClockTimes(neglect, clock)}`;
}

interface TextContext {
  readonly look: Appearance;
  readonly clock: LocalNow;
}

type Fact = readonly [name: string, value: string];

function factsOf(view: View, keeper: Keeper, { look, clock }: TextContext): readonly Fact[] {
  const { ring } = view;
  const report = statusReport(view);
  const { expected, acknowledged, waitingFor } = report.gateways;
  const behind = waitingFor.length === 0 ? "" : `, waiting for ${listed(waitingFor)}`;
  return [
    ...(ring ? signerFacts(ring, nextText(view, clock), { look, clock }) : []),
    ...dueFacts(view),
    ["Waiting for", report.waitingFor === undefined ? "nothing" : withClockTimes(report.waitingFor, clock)],
    ["Generation", report.ringGeneration === undefined ? "none" : String(report.ringGeneration)],
    ["Gateways", expected === 0 ? "none expected" : `${acknowledged} of ${expected} up to date${behind}`],
    ["Kept by", withClockTimes(keptBy(keeper), clock)],
  ];
}

function keptBy(keeper: Keeper): string {
  switch (keeper.kind) {
    case "acts":
      return keeper.who;
    case "nobody":
      return "nobody";
    case "unknown":
      return `can't be told: ${keeper.why}`;
    default:
      return keeper satisfies never;
  }
}

/** What the next pass does. It is gone in a moment, unless nobody runs the rotation. */
function dueFacts({ decision }: View): readonly Fact[] {
  const steps = decision.kind === "plan" ? decision.plan.steps : [];
  return steps.map((step, index) => [index === 0 ? "Due now" : "", describeStep(step)]);
}

function nextText(view: View, clock: LocalNow): string {
  const { atMs, waits } = nextRotation(view);
  const at = atMs === undefined ? undefined : clockTimeAndDistance(atMs, clock);
  if (!waits) return at ?? unplannedText(view);
  const waiting = `waits: ${describeGate(waits, (ms) => clockTime(ms, clock))}`;
  return at === undefined ? waiting : `not before ${at}, and ${waiting}`;
}

const unplannedTexts = {
  suspended: "none while it is suspended",
  pinned: "none while it is pinned",
  waits: "waits",
  "on request": "on request only",
} as const;

const unplannedText = (view: View): string =>
  holds(view, "Stalled") ? "none while it is stalled" : unplannedTexts[unplanned(view.conditions)];

function signerFacts(ring: Ring, next: string, { look, clock }: TextContext): readonly Fact[] {
  const { signer } = ring;
  const kid = cutKid(signer.kid, kidLength(keysOf(ring).map((k) => k.kid)), look.unicode);
  const since = `signs since ${clockTimeAndDistance(signer.activatedAtMs, clock)}`;
  return [
    ["Signer", `${paint(look, "active", kid)} ${signer.profile.algorithm}, ${since}`],
    ["Next rotation", next],
  ];
}
