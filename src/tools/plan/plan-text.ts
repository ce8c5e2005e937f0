import { describeGate, describeStep } from "../../ring/describe.ts";
import { conflictIn } from "../../ring/decide.ts";
import type { Gate } from "../../ring/plan.ts";
import { keysOf, rotationName } from "../../ring/ring.ts";
import { paint, type Appearance } from "../text/screen.ts";
import { notBeforeMs } from "../../ring/status.ts";
import { table } from "../text/table.ts";
import type { View } from "../../ring/view.ts";
import {
  clockTime,
  clockTimeAndDistance,
  cutKid,
  distance,
  kidLength,
  newKeyText,
  type LocalNow,
} from "../text/words.ts";

export interface PlanTextInput {
  readonly view: View;
  readonly look: Appearance;
  readonly timeZone: string;
  /** What the plan supposes: `as if it were …`, `with spec.yaml`. */
  readonly suppositions: readonly string[];
}

/** The plan as people read it: what is due, what waits for what, what will come. */
export function planText(input: PlanTextInput): readonly string[] {
  const { view, look, suppositions, timeZone } = input;
  const clock: LocalNow = { nowMs: view.nowMs, timeZone };
  const title = paint(look, "strong", rotationName(view.seen.rotation));
  const head = `${title}  ${[`at ${clockTime(view.nowMs, clock)}`, ...suppositions].join(", ")}`;
  if (view.decision.kind === "stalled") {
    return [
      head,
      "",
      ` ${paint(look, ["strong", "bad"], "Nothing happens before a person acts:")} ${view.decision.message}`,
    ];
  }
  const { steps, gates } = view.decision.plan;
  const conflict = conflictIn(view.decision);
  const due = steps.map((step) => ` ${describeStep(step)}`);
  const waiting = gates.filter((g) => g.waitsFor.length > 0);
  return [
    head,
    ...(conflict
      ? ["", ` ${paint(look, ["strong", "bad"], "Only revocation runs before a person acts:")} ${conflict.message}`]
      : []),
    ...(due.length === 0 ? [] : section("Due now", look, due)),
    ...section("Waiting", look, waiting.length === 0 ? [" nothing"] : gateTable(waiting, look, clock)),
    ...section(
      "What comes, if nothing is edited and every gateway answers at once",
      look,
      view.forecast.length === 0 ? [" nothing"] : forecastTable(view, look, clock),
    ),
  ];
}

const section = (title: string, look: Appearance, lines: readonly string[]): readonly string[] => [
  "",
  paint(look, "strong", title),
  ...lines,
];

function gateTable(gates: readonly Gate[], look: Appearance, clock: LocalNow): readonly string[] {
  const length = kidLength(gates.flatMap((g) => (g.kid === undefined ? [] : [g.kid])));
  const sorted = gates.toSorted((a, b) => notBeforeMs(a) - notBeforeMs(b));
  const rows = sorted.map((gate) => [
    gate.step,
    gate.kid === undefined ? "" : cutKid(gate.kid, length, look.unicode),
    notBeforeMs(gate) === 0 ? "" : distance(notBeforeMs(gate), clock.nowMs),
    describeGate(gate, (ms) => clockTime(ms, clock)),
  ]);
  return table(["STEP", "KEY", "NOT BEFORE", "WAITS FOR"], rows, {
    ...look,
    spare: ["NOT BEFORE", "KEY"],
    indent: 1,
  }).map((text) => ` ${text}`);
}

/** One whole rotation: until the present signer has left the ring. What comes after is the same again. */
function forecastTable({ forecast, ring }: View, look: Appearance, clock: LocalNow): readonly string[] {
  const end = forecast.findIndex((f) => ring && keysOf(f.ring).every((k) => k.kid !== ring.signer.kid));
  const shown = end < 0 ? forecast : forecast.slice(0, end + 1);
  const rows = shown.flatMap(({ atMs, steps }) =>
    steps.map((step, index) => [index === 0 ? clockTimeAndDistance(atMs, clock) : "", newKeyText(describeStep(step))]),
  );
  return table(["WHEN", "WHAT"], rows, { ...look, indent: 1 }).map((text) => ` ${text}`);
}
