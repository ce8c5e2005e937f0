import type { RotationSummary } from "../../keeper/home.ts";
import { unplanned } from "../../ring/next-rotation.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import { documentText, type DocumentFormat } from "../text/output.ts";
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

/** Shows several rotations, a line each, from what their keepers reported. */
export function overview(seen: Overview, output: DocumentFormat | "wide" | undefined, io: Io): ExitCode {
  const { rotations, acrossNamespaces, where } = seen;
  if (output === "json" || output === "yaml") {
    const items = rotations.map((one) => one.document);
    io.out.write(documentText({ apiVersion: "v1", kind: "List", items }, output));
  } else if (rotations.length === 0) line(io.err, `No JwtKeyRotation ${where}`);
  else {
    const heads = ["NAME", "STATE", "SIGNER", "ALG", "NEXT", "GATEWAYS", ...(output === "wide" ? ["LAST"] : [])];
    const rows = rotations.map((one) => [
      ...(acrossNamespaces ? [one.namespace] : []),
      ...cells(one, { io, nowMs: seen.nowMs, wide: output === "wide" }),
    ]);
    const all = [...(acrossNamespaces ? ["NAMESPACE"] : []), ...heads, "AGE", "WAITING FOR"];
    for (const text of table(all, rows, io.out)) line(io.out, text);
  }
  return exitCodes.done;
}

interface OverviewContext {
  readonly io: Io;
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
