import { resolve } from "node:path";
import type { FileAccess, NotifySpec, SinkFormat, SinkSpec } from "../agent-spec.ts";
import {
  absolutePathOf,
  choiceOf,
  type Fields,
  fieldsOf,
  isUnset,
  itemSpotsOf,
  need,
  needSome,
  onlyMemberOf,
  type Spot,
  textOf,
  wholeOf,
} from "./agent-fields.ts";
import { agentCounts, agentDefaults, agentTexts, groupNumber, notifySignals } from "./token-agent-limits.ts";

const sinkFields = ["file", "directory"] as const;
export const fileFields = ["path", "format", "mode", "group"] as const;
export const directoryFields = ["path", "mode", "group"] as const;
export const notifyFields = ["signal", "command"] as const;
const signalFields = ["name", "pidFile"] as const;

const formats = { Token: "token", JSON: "json", Header: "header" } as const satisfies Record<string, SinkFormat>;
const formatNames = ["Token", "JSON", "Header"] as const satisfies readonly (keyof typeof formats)[];

export function readSinks(spot: Spot, dir: string): readonly SinkSpec[] {
  const sinks = itemSpotsOf(spot, agentCounts.sinks).map((item) => readSink(item, dir));
  return sinks.filter((sink) => sink !== undefined);
}

function readSink(spot: Spot, dir: string): SinkSpec | undefined {
  const set = onlyMemberOf(spot, sinkFields);
  if (set === undefined) return undefined;
  const { name: kind, member } = set;
  if (kind === "directory") {
    const at = fieldsOf(member, directoryFields);
    return { kind, path: absolutePathOf(need(at("path")), dir) ?? "", ...readAccess(at) };
  }
  const at = fieldsOf(member, fileFields);
  return {
    kind,
    path: absolutePathOf(need(at("path")), dir) ?? "",
    format: formats[choiceOf(at("format"), formatNames) ?? agentDefaults.format],
    ...readAccess(at),
  };
}

function readAccess(at: Fields<"mode" | "group">): FileAccess {
  const mode = textOf(at("mode"), agentTexts.mode);
  const group = readGroup(at("group"));
  return {
    mode: mode === undefined ? agentDefaults.mode : Number.parseInt(mode, 8),
    ...(group !== undefined && { group }),
  };
}

/** People write a number without quotes. */
export function readGroup(spot: Spot): string | undefined {
  return typeof spot.value === "number" ? wholeOf(spot, groupNumber)?.toString() : textOf(spot, agentTexts.group);
}

/** Undefined if unset or wrong. */
export function readNotify(spot: Spot, dir: string): NotifySpec | undefined {
  if (isUnset(spot)) return undefined;
  const set = onlyMemberOf(spot, notifyFields);
  if (set === undefined) return undefined;
  return set.name === "signal" ? readSignal(set.member, dir) : readCommand(set.member, dir);
}

function readSignal(spot: Spot, dir: string): NotifySpec | undefined {
  const at = fieldsOf(spot, signalFields);
  const signal = choiceOf(need(at("name")), notifySignals);
  const pidFile = absolutePathOf(need(at("pidFile")), dir);
  return signal && pidFile !== undefined ? { kind: "signal", signal, pidFile } : undefined;
}

/** A program with a slash in its name is a path; any other is looked for where the agent's PATH says. */
function readCommand(spot: Spot, dir: string): NotifySpec | undefined {
  needSome(spot);
  const [first, ...rest] = itemSpotsOf(spot, agentCounts.command);
  if (first === undefined) return undefined;
  const program = textOf(need(first), agentTexts.path) ?? "";
  const args = rest.map((item) => textOf(need(item), agentTexts.argument) ?? "");
  return { kind: "command", command: [program.includes("/") ? resolve(dir, program) : program, ...args] };
}
