import type { Option } from "commander";
import { flag } from "./flags.ts";

const logLevels = ["debug", "info", "warn", "error", "silent"] as const;

export interface LogFlags {
  readonly logLevel?: (typeof logLevels)[number];
  readonly logFormat?: "json" | "text";
}

export const logFlags = (): readonly Option[] => [
  flag("--log-level <level>", "the least that is logged", { choices: logLevels, otherwise: "info" }),
  flag("--log-format <format>", "json: a line for programs; text: for people", {
    choices: ["json", "text"],
    otherwise: "text on a terminal, else json",
  }),
];
