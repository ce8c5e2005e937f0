import { pino, type Logger } from "pino";
import type { LogFlags } from "./log-flags.ts";

const standardError = 2;

export interface LogSurroundings {
  readonly colour: boolean;
  /** A person watches. */
  readonly live: boolean;
}

/**
 * The log, on standard error: JSON lines with `level`, `time` and `msg`, or text for people. Written at once, so that
 * nothing is lost when the process ends.
 */
export async function newLog(
  { logLevel = "info", logFormat }: LogFlags,
  { colour, live }: LogSurroundings,
): Promise<Logger> {
  const isText = logFormat === undefined ? live : logFormat === "text";
  const options = {
    level: logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  if (!isText) return pino(options, pino.destination({ dest: standardError, sync: true }));
  const { build: pretty } = await import("pino-pretty");
  const stream = pretty({
    colorize: colour,
    destination: standardError,
    sync: true,
    translateTime: "SYS:HH:MM:ss.l",
    singleLine: true,
    ignore: "generation",
  });
  return pino(options, stream);
}
