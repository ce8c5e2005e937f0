import type { RotationSummary } from "../../keeper/home.ts";
import { unplanned } from "../../ring/next-rotation.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import { isForPrograms, listText, type ObjectFormat } from "../text/object-output.ts";
import { line, paint, type Io, type Style } from "../text/screen.ts";
import { table } from "../text/table.ts";
import { age, cutKid, distance, withClockTimes } from "../text/words.ts";

/** Rotations that were looked at together. */
export interface Overview {
  readonly rotations: readonly RotationSummary[];
  readonly nowMs: number;
  /** They may be of several namespaces. */
  readonly acrossNamespaces: boolean;
  /** Where was looked, for people: `in namespace "shop"`. */
  readonly where: string;
}

/** Rotations that can be looked at again and again. */
export interface ManyRotations {
  look(): Promise<Overview>;
  /** Yields whenever one of them may have changed; ends with the signal. */
  changes(signal: AbortSignal): AsyncIterable<void>;
}

/** Shows several rotations, a line each, from what their keepers reported. */
export function overview(seen: Overview, output: ObjectFormat | "wide" | undefined, io: Io): ExitCode {
  const { rotations, where } = seen;
  if (isForPrograms(output)) {
    io.out.write(
      listText(
        rotations.map((one) => one.document),
        output,
      ),
    );
  } else if (rotations.length === 0) line(io.err, `No JwtKeyRotation ${where}`);
  else for (const text of overviewTable(seen, output === "wide", io)) line(io.out, text);
  return exitCodes.done;
}

/** For people: the heads, and a line each. */
export function overviewTable(seen: Overview, wide: boolean, io: Pick<Io, "out" | "timeZone">): readonly string[] {
  const { rotations, acrossNamespaces, nowMs } = seen;
  const heads = ["NAME", "STATE", "SIGNER", "ALG", "NEXT", "GATEWAYS", ...(wide ? ["LAST"] : [])];
  const rows = rotations.map((one) => [
    ...(acrossNamespaces ? [one.namespace] : []),
    ...cells(one, { io, nowMs, wide }),
  ]);
  const spare = ["AGE", "LAST", "ALG", "GATEWAYS", "SIGNER", "NEXT"];
  return table([...(acrossNamespaces ? ["NAMESPACE"] : []), ...heads, "AGE", "WAITING FOR"], rows, {
    ...io.out,
    spare,
  });
}

interface OverviewContext {
  readonly io: Pick<Io, "out" | "timeZone">;
  readonly nowMs: number;
  readonly wide: boolean;
}

function cells(one: RotationSummary, { io, nowMs, wide }: OverviewContext): readonly string[] {
  const [state, style] = stateOf(one);
  const { activeKid, algorithm, lastRotationAtMs, waitingFor } = one;
  const last = lastRotationAtMs === undefined ? "" : distance(lastRotationAtMs, nowMs);
  return [
    one.name,
    paint(io.out, style, state),
    activeKid === undefined ? "none" : cutKid(activeKid, wide ? Infinity : 8, io.out.unicode),
    algorithm ?? "",
    nextText(one, nowMs),
    one.gateways === "0/0" ? "none" : (one.gateways ?? ""),
    ...(wide ? [last] : []),
    age(one.createdAtMs, nowMs),
    waitingFor === undefined ? "nothing" : withClockTimes(waitingFor, { nowMs, timeZone: io.timeZone }),
  ];
}

function nextText({ conditions, nextRotationAtMs }: RotationSummary, nowMs: number): string {
  if (nextRotationAtMs !== undefined) return distance(nextRotationAtMs, nowMs);
  const isReady = conditions.some(({ type, status }) => type === "Ready" && status === "True");
  return isReady ? unplanned(conditions) : "unknown";
}

/** What a person would ask about first. */
function stateOf({ conditions }: RotationSummary): readonly [text: string, style: Style] {
  const find = (type: string) => conditions.find((one) => one.type === type);
  const holds = (type: string): boolean => find(type)?.status === "True";
  if (holds("Stalled")) return [`stalled: ${find("Stalled")?.reason ?? ""}`, "bad"];
  const ready = find("Ready");
  if (ready === undefined || ready.status === "Unknown") return ["not seen yet", "busy"];
  if (ready.status !== "True") return [`not ready: ${ready.reason}`, "bad"];
  if (holds("Suspended")) return ["suspended", "busy"];
  if (holds("Pinned")) return ["pinned", "busy"];
  return holds("Rotating") ? ["rotating", "busy"] : ["ready", "good"];
}
