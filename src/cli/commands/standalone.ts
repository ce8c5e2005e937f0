import { Option, type Command } from "commander";
import { apiVersion, kind } from "../../ring/spec/limits.ts";
import { ChangeNeededError } from "../../ring/errors.ts";
import { exitCodes } from "../../tools/exit.ts";
import { UsageError } from "../errors.ts";
import { commandOf, dirFlag, flag } from "../flags.ts";
import { logFlags, type LogFlags } from "../log-flags.ts";
import type { HomeFlags, Surroundings } from "../surroundings.ts";

/** A flag that stands for a field of the JwtKeyRotation. */
interface FieldFlag {
  readonly flags: string;
  readonly text: string;
  readonly otherwise?: string;
  /** Where its value goes. */
  readonly path: readonly string[];
  readonly read?: (text: string) => unknown;
}

const list = (text: string): readonly string[] => text.split(",").map((one) => one.trim());
const whole = (text: string): unknown => (/^\d+$/.test(text) ? Number(text) : text);

const fields: readonly FieldFlag[] = [
  { flags: "--name <name>", text: "name of the rotation", otherwise: "keyturn", path: ["metadata", "name"] },
  {
    flags: "--namespace <name>",
    text: "namespace of the rotation",
    otherwise: "default",
    path: ["metadata", "namespace"],
  },
  { flags: "--issuer <url>", text: "iss of every token", path: ["spec", "tokens", "issuer"] },
  {
    flags: "--audience <audiences>",
    text: "aud values, with commas between",
    path: ["spec", "tokens", "audiences"],
    read: list,
  },
  { flags: "--algorithm <name>", text: "how tokens are signed", otherwise: "ES256", path: ["spec", "algorithm"] },
  {
    flags: "--rsa-modulus-bits <bits>",
    text: "RS* and PS* only",
    otherwise: "3072",
    path: ["spec", "rsaModulusBits"],
    read: whole,
  },
  {
    flags: "--interval <duration>",
    text: "time between rotations; 0s: only on request",
    otherwise: "720h",
    path: ["spec", "rotation", "interval"],
  },
  {
    flags: "--schedule <cron>",
    text: "instead of an interval: minute hour day month weekday",
    path: ["spec", "rotation", "schedule"],
  },
  { flags: "--time-zone <zone>", text: "of the schedule", otherwise: "UTC", path: ["spec", "rotation", "timeZone"] },
  {
    flags: "--propagation-minimum <duration>",
    text: "between published and active, for caches outside of our reach",
    otherwise: "30m",
    path: ["spec", "propagation", "minimum"],
  },
  {
    flags: "--acknowledgements <rule>",
    text: "Required: expected gateways gate the barriers; Ignored: time alone",
    otherwise: "Required",
    path: ["spec", "propagation", "acknowledgements"],
  },
  {
    flags: "--max-ttl <duration>",
    text: "longest life of a token",
    otherwise: "1h",
    path: ["spec", "tokens", "maxTTL"],
  },
  {
    flags: "--clock-skew <duration>",
    text: "how far two clocks may differ",
    otherwise: "1m",
    path: ["spec", "tokens", "clockSkew"],
  },
  {
    flags: "--rotation-window <duration>",
    text: "how long an old key verifies",
    otherwise: "maxTTL + 2 × clockSkew + propagation.minimum",
    path: ["spec", "rotationWindow"],
  },
  {
    flags: "--rollback-window <duration>",
    text: "how long an old key can sign again",
    otherwise: "the rotation window",
    path: ["spec", "rollbackWindow"],
  },
];

const optionOf = ({ flags, text, otherwise, read }: FieldFlag): Option =>
  flag(flags, text, { ...(otherwise !== undefined && { otherwise }), ...(read && { parse: read }) }).conflicts(
    "config",
  );

type StandaloneFlags = HomeFlags & LogFlags & { readonly config?: string } & Readonly<Record<string, unknown>>;

/** `--time-zone <zone>` is `timeZone` among the values. */
const keyOf = (option: FieldFlag): string => new Option(option.flags).attributeName();
const nameOf = (option: FieldFlag): string => new Option(option.flags).long ?? option.flags;

/** The resource that the flags describe, unchecked. */
function resourceOf(values: Readonly<Record<string, unknown>>): unknown {
  const resource: Record<string, unknown> = { apiVersion, kind };
  for (const field of fields) {
    const value = values[keyOf(field)] ?? (keyOf(field) === "name" ? "keyturn" : undefined);
    if (value === undefined) continue;
    let at = resource;
    for (const step of field.path.slice(0, -1)) {
      const next: Record<string, unknown> = { ...(isRecord(at[step]) ? at[step] : {}) };
      at[step] = next;
      at = next;
    }
    at[field.path.at(-1) ?? ""] = value;
  }
  return resource;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Problems name the fields of a resource; who wrote flags looks for flags. */
function inFlags(error: unknown): unknown {
  if (!(error instanceof ChangeNeededError) || error.code !== "InvalidSpec") return error;
  const lines = error.message.split("\n").map((text) => {
    const field = fields.find((f) => text.startsWith(`${f.path.join(".")}:`));
    return field ? `${nameOf(field)}${text.slice(field.path.join(".").length)}` : text;
  });
  return new UsageError(`Cannot use the flags:\n${lines.join("\n")}`);
}

export function standaloneCommand(around: Surroundings): Command {
  return commandOf({
    name: "standalone",
    summary: "rotate the keys of a directory, without Kubernetes",
    details:
      "Runs until SIGTERM or SIGINT. The config is the very file that kubectl apply takes; a change of it takes effect\nwithout a restart. Flags stand for its common fields.",
    flags: [
      dirFlag(),
      flag("-c, --config <file>", "a JwtKeyRotation, YAML or JSON"),
      ...fields.map(optionOf),
      ...logFlags(),
    ],
    examples: [
      ["With a file", "keyturn standalone --dir /var/lib/keyturn --config rotation.yaml"],
      [
        "Just to try: a rotation every ten seconds",
        "keyturn standalone --dir /tmp/keys --issuer https://issuer.example --audience api --interval 10s --propagation-minimum 1s --max-ttl 4s --clock-skew 1s",
      ],
    ],
  }).action(async (flags: StandaloneFlags) => {
    const { dir, config } = flags;
    if (dir === undefined) throw new UsageError("Cannot run: must have --dir");
    const { runStandalone } = await import("../../standalone/run.ts");
    const { newLog } = await import("../log.ts");
    const { io } = around;
    try {
      await runStandalone({
        dir,
        config: config === undefined ? { resource: resourceOf(flags) } : { path: config },
        clock: { nowMs: () => io.nowMs(), monotonicMs: () => around.monotonicMs() },
        log: newLog(flags, { colour: io.err.colour, live: around.logIsLive }),
        signal: io.interrupted,
      });
    } catch (error) {
      throw config === undefined ? inFlags(error) : error;
    }
    around.ended(exitCodes.done);
  });
}
