import { Option } from "commander";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { apiVersion, rotations } from "../parse/api-names.ts";
import { parseRotation } from "../ring/resource/rotation.ts";
import { UsageError } from "./report-error.ts";
import { flag } from "./flags.ts";
import { membersOf } from "../parse/object.ts";

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
    text: "how far a clock may be from the right time, ahead or behind",
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

/** Flags for the common fields of a JwtKeyRotation, instead of a file. */
export const fieldFlags = (): readonly Option[] => fields.map(optionOf);

const optionOf = ({ flags, text, otherwise, read }: FieldFlag): Option =>
  flag(flags, text, { ...(otherwise !== undefined && { otherwise }), ...(read && { parse: read }) }).conflicts(
    "config",
  );

/** `--time-zone <zone>` is `timeZone` among the values. */
const attributeOf = (option: FieldFlag): string => new Option(option.flags).attributeName();
const nameOf = (option: FieldFlag): string => new Option(option.flags).long ?? option.flags;

/** The resource that the flags describe, unchecked. */
function resourceOf(values: Readonly<Record<string, unknown>>): unknown {
  const resource: Record<string, unknown> = { apiVersion, kind: rotations.kind };
  for (const field of fields) {
    const value = values[attributeOf(field)] ?? (attributeOf(field) === "name" ? "keyturn" : undefined);
    if (value === undefined) continue;
    let at = resource;
    for (const step of field.path.slice(0, -1)) {
      const next: Record<string, unknown> = { ...membersOf(at[step]) };
      at[step] = next;
      at = next;
    }
    at[field.path.at(-1) ?? ""] = value;
  }
  return resource;
}

/**
 * The JwtKeyRotation that the flags describe, checked.
 *
 * @throws UsageError with all problems; a person who wrote flags looks for flags
 */
export function resourceFrom(values: Readonly<Record<string, unknown>>): unknown {
  const resource = resourceOf(values);
  try {
    parseRotation(resource);
    return resource;
  } catch (error) {
    if (!(error instanceof ChangeNeededError) || error.code !== "InvalidSpec") throw error;
    throw new UsageError(`Cannot use the flags:\n${error.message.split("\n").map(inFlags).join("\n")}`);
  }
}

function inFlags(problem: string): string {
  const field = fields.find((f) => problem.startsWith(`${f.path.join(".")}:`));
  return field ? `${nameOf(field)}${problem.slice(field.path.join(".").length)}` : problem;
}
