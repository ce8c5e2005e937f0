import type { Observation } from "../../ring/decide.ts";
import { RuleError } from "../../errors/keyturn-error.ts";
import { clockSetTo, forecast } from "../../ring/forecast.ts";
import type { Policy } from "../../ring/plan.ts";
import { keysOf, type Ring } from "../../ring/ring.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import type { RingHome } from "../../keeper/home.ts";
import { firstLook } from "../first-look.ts";
import { documentText, type DocumentFormat } from "../text/output.ts";
import { planDocument } from "./plan-report.ts";
import { planText } from "./plan-text.ts";
import { line, type Io } from "../text/screen.ts";
import { horizonMs, mostWrites, viewOf, type View } from "../../ring/view.ts";
import { formatInstant } from "../../parse/instant.ts";

/** Another spec to plan with. */
export interface WhatIf {
  /** Where it comes from, for people. */
  readonly name: string;
  readonly policy: Policy;
  /** `spec:…` and `annotation:…`, as `requestsOf` gives them. */
  readonly requests: readonly string[];
}

export interface PlanOptions {
  /** Text for people when absent. */
  readonly output?: DocumentFormat;
  /** As if it were that instant, and everything had gone as forecast until then. */
  readonly atMs?: number;
  /** As if the rotation had this spec from now on. */
  readonly whatIf?: WhatIf;
}

/** Shows what happens next, when, and what it waits for. Changes nothing. */
export async function plan(home: RingHome, options: PlanOptions, io: Io): Promise<ExitCode> {
  const { atMs, whatIf, output } = options;
  const now = supposeSpec((await firstLook(home, io)).seen, whatIf);
  const view = atMs === undefined ? viewOf(now) : supposeTime(viewOf(now), atMs);
  const suppositions = [
    ...(whatIf ? [`with ${whatIf.name}`] : []),
    ...(atMs === undefined ? [] : ["as if everything had gone by the forecast until then"]),
  ];
  if (output) io.out.write(documentText(planDocument(view, suppositions), output));
  else for (const text of planText({ view, look: io.out, timeZone: io.timeZone, suppositions })) line(io.out, text);
  return exitCodes.done;
}

/** The current requests of the other spec replace those of their origins; what came by other ways stays. */
function supposeSpec(seen: Observation, whatIf: WhatIf | undefined): Observation {
  if (!whatIf) return seen;
  const others = seen.requests.filter((r) => !r.startsWith("spec:"));
  const requests = [...others, ...whatIf.requests.filter((r) => !others.includes(r))];
  return { ...withoutRefusal(seen), policy: whatIf.policy, requests };
}

/** The other spec was read as one that can be used. */
const withoutRefusal = ({ refused: _refused, ...seen }: Observation): Observation => seen;

/** So many writes are foreseen in a second or so. */
const mostWritesUntil = 20_000;

/** Keys that the forecast makes keep their names: a second forecast would call other keys the same. */
function supposeTime(view: View, atMs: number): View {
  const { seen, nowMs, decision } = view;
  const instant = formatInstant(atMs);
  if (atMs < nowMs) {
    throw new RuleError("InThePast", `Cannot plan at "${instant}": must not be in the past, the ring keeps no history`);
  }
  if (decision.kind === "stalled") return viewOf({ ...seen, found: clockSetTo(seen.found, atMs) });
  const until = forecast(decision.input, atMs - nowMs, mostWritesUntil + 1);
  if (until.length > mostWritesUntil) {
    throw new RuleError("TooFar", `Cannot plan at "${instant}": must be sooner, too many rotations come before`);
  }
  const ring = until.at(-1)?.ring ?? view.ring;
  const after = forecast(decision.input, atMs - nowMs + horizonMs, until.length + mostWrites).slice(until.length);
  return viewOf(
    { ...(ring ? settled(seen, ring) : seen), found: clockSetTo(found(seen, ring), atMs) },
    { forecast: after },
  );
}

/** Every gateway has the ring. */
function settled(seen: Observation, ring: Ring): Observation {
  const verifies = keysOf(ring).map((k) => k.kid);
  const ack = { generation: ring.generation, verifies, signs: ring.signer.kid };
  return { ...seen, gateways: seen.gateways.map(({ name }) => ({ name, ready: true, ack })) };
}

function found(seen: Observation, ring: Ring | undefined): Observation["found"] {
  if (!ring) return seen.found;
  const halves = keysOf(ring)
    .filter((k) => k.canSign)
    .map((k) => k.kid);
  const reading = { kind: "ring", ring, halves } as const;
  return { ...seen.found, ring: reading, signer: reading, public: reading };
}
