import { formatDuration } from "../../parse/duration.ts";
import { algorithms, isRsa, rsaAlgorithms, type Profile } from "../key.ts";
import type { Policy, Schedule } from "../plan.ts";
import { checkCron, shortestSpanMs } from "../schedule.ts";
import { counts, defaults, durations, modulusBits, rotationsPerWindow, rules, texts } from "./limits.ts";
import { choiceOf, durationOf, flagOf, instantOf, textOf, textOrEmptyOf, read } from "../../parse/scalars.ts";
import {
  type Fields,
  type Spot,
  fieldsOf,
  isUnset,
  itemSpotsOf,
  need,
  refuse,
  refuseRepeats,
} from "../../parse/spot.ts";
import { whole } from "../../parse/forms.ts";

/** The fields of `spec`. */
export const specFields = [
  "secretName",
  "secretTemplate",
  "algorithm",
  "rsaModulusBits",
  "rotation",
  "propagation",
  "tokens",
  "rotationWindow",
  "rollbackWindow",
  "activeKid",
  "revokedKids",
  "revokeKeysCreatedBefore",
  "adoption",
  "suspend",
  "deletionPolicy",
] as const;
export type SpecFields = Fields<(typeof specFields)[number]>;

/** The fields of `spec.rotation`. */
export const rotationFields = ["interval", "schedule", "timeZone", "requestID"] as const;
export type RotationFields = Fields<(typeof rotationFields)[number]>;

/** Notes that a rule over several fields is broken; `equals` is what its right side comes to. */
function breach(
  spot: Spot,
  { path, must }: { path: string; must: string },
  saying: { equals?: string; actual?: string },
) {
  refuse({ ...spot, path }, saying.equals === undefined ? must : `${must} = ${saying.equals}`, saying.actual);
}

/** A list of audiences as a set with an order. */
function readAudiences(spot: Spot): readonly string[] {
  const items = itemSpotsOf(need(spot), counts.audiences);
  if (Array.isArray(spot.value) && spot.value.length === 0) refuse(spot, "must have at least one item", "has none");
  refuseRepeats(items);
  return items.map((item) => textOf(need(item), texts.audience) ?? "");
}

type Tokens = Omit<Profile, "algorithm"> & { readonly clockSkewMs: number };

function readTokens(spot: Spot): Tokens {
  const at = fieldsOf(spot, ["issuer", "audiences", "maxTTL", "clockSkew"]);
  return {
    issuer: textOf(need(at("issuer")), texts.issuer) ?? "",
    audiences: readAudiences(at("audiences")),
    maxTTLMs: durationOf(at("maxTTL"), durations.maxTTL) ?? defaults.maxTTLMs,
    clockSkewMs: durationOf(at("clockSkew"), durations.clockSkew) ?? defaults.clockSkewMs,
  };
}

/** A schedule that can't be read stands in as `onRequest`, about which no rule complains. */
function readCron(at: RotationFields): Schedule {
  const expression = textOf(at("schedule"), texts.schedule);
  const timeZone = textOf(at("timeZone"), texts.timeZone) ?? defaults.timeZone;
  if (expression === undefined) return { kind: "onRequest" };
  const problems = checkCron(expression, timeZone);
  if (problems.length === 0) return { kind: "cron", expression, timeZone };
  for (const { field, must } of problems) refuse(at(field), must);
  return { kind: "onRequest" };
}

function readSchedule(at: RotationFields): Schedule {
  const everyMs = durationOf(at("interval"), durations.interval) ?? defaults.intervalMs;
  if (!isUnset(at("schedule"))) {
    if (!isUnset(at("interval"))) breach(at("interval"), rules.oneSchedule, { actual: "sets both" });
    return readCron(at);
  }
  if (!isUnset(at("timeZone"))) breach(at("timeZone"), rules.timeZoneWithSchedule, {});
  return everyMs === 0 ? { kind: "onRequest" } : { kind: "interval", everyMs };
}

function readKeyKind(at: SpecFields): Pick<Profile, "algorithm"> & { modulusBits?: number } {
  const chosen = choiceOf(at("algorithm"), algorithms);
  const bits = read(at("rsaModulusBits"), whole(modulusBits));
  const algorithm = chosen ?? defaults.algorithm;
  if (isRsa(algorithm)) return { algorithm, modulusBits: bits ?? defaults.modulusBits };
  const isWrong = chosen === undefined && !isUnset(at("algorithm"));
  if (!isUnset(at("rsaModulusBits")) && !isWrong) {
    breach(at("rsaModulusBits"), rules.modulusForRsaOnly, { actual: `is set with ${algorithm}` });
  }
  return { algorithm };
}

function readRevokedKids(spot: Spot): Policy["revokedKids"] {
  const entries = itemSpotsOf(spot, counts.revokedKids).map((item) => fieldsOf(item, ["kid", "reason"]));
  refuseRepeats(entries.map((at) => at("kid")).filter((kid) => !isUnset(kid)));
  return entries.map((at) => {
    const reason = textOrEmptyOf(at("reason"), texts.reason);
    return { kid: textOf(need(at("kid")), texts.kid) ?? "", ...(reason !== undefined && { reason }) };
  });
}

/** What is in force, for a message: the value, or that it is the default. */
const inForce = (spot: Spot, ms: number): string => `is ${formatDuration(ms)}${isUnset(spot) ? ", the default" : ""}`;

function checkSchedule(at: RotationFields, { schedule, rotationWindowMs, propagationMs }: Policy): void {
  const leastMs = rotationWindowMs + 2 * propagationMs;
  if (!(shortestSpanMs(schedule, rotationsPerWindow) < leastMs)) return;
  if (schedule.kind === "interval") {
    const equals = formatDuration(Math.ceil(leastMs / rotationsPerWindow / 1000) * 1000);
    breach(at("interval"), rules.intervalFitsWindow, { equals, actual: inForce(at("interval"), schedule.everyMs) });
  } else breach(at("schedule"), rules.scheduleFitsWindow, { equals: formatDuration(leastMs) });
}

function checkWindows(at: SpecFields, policy: Policy): void {
  const { rotationWindowMs, rollbackWindowMs } = policy;
  const leastMs = policy.profile.maxTTLMs + 2 * policy.clockSkewMs;
  if (rotationWindowMs < leastMs) {
    const actual = `is ${formatDuration(rotationWindowMs)}`;
    breach(at("rotationWindow"), rules.windowCoversTokens, { equals: formatDuration(leastMs), actual });
  }
  if (rollbackWindowMs > rotationWindowMs) {
    const actual = `is ${formatDuration(rollbackWindowMs)}`;
    breach(at("rollbackWindow"), rules.rollbackWithinWindow, { equals: formatDuration(rotationWindowMs), actual });
  }
}

/**
 * What the planner obeys, of `spec` and `spec.rotation`, with every default filled in. What is wrong is noted in the spots'
 * list of problems, and stands in with a value that must not be used.
 */
export function readPolicy(at: SpecFields, rotation: RotationFields): Policy {
  const { clockSkewMs, ...tokens } = readTokens(at("tokens"));
  const { algorithm, modulusBits: bits } = readKeyKind(at);
  const propagation = fieldsOf(at("propagation"), ["minimum", "acknowledgements"]);
  const propagationMs = durationOf(propagation("minimum"), durations.propagationMinimum) ?? defaults.propagationMs;
  const tokensMs = tokens.maxTTLMs + 2 * clockSkewMs;
  const rotationWindowMs = durationOf(at("rotationWindow"), durations.rotationWindow) ?? tokensMs + propagationMs;
  const pinnedKid = textOrEmptyOf(at("activeKid"), texts.kid);
  const revokeCreatedBeforeMs = instantOf(at("revokeKeysCreatedBefore"));
  const adoption = fieldsOf(at("adoption"), ["maxTTL", "algorithm"]);
  const adoptionAlgorithm = choiceOf(adoption("algorithm"), rsaAlgorithms);
  const policy: Policy = {
    profile: { algorithm, ...tokens },
    ...(bits !== undefined && { modulusBits: bits }),
    schedule: readSchedule(rotation),
    propagationMs,
    acknowledgements: choiceOf(propagation("acknowledgements"), ["Required", "Ignored"]) ?? defaults.acknowledgements,
    clockSkewMs,
    rotationWindowMs,
    rollbackWindowMs: durationOf(at("rollbackWindow"), durations.rollbackWindow) ?? rotationWindowMs,
    ...(pinnedKid !== undefined && { pinnedKid }),
    revokedKids: readRevokedKids(at("revokedKids")),
    ...(revokeCreatedBeforeMs !== undefined && { revokeCreatedBeforeMs }),
    adoptionMaxTTLMs: durationOf(adoption("maxTTL"), durations.adoptionMaxTTL) ?? tokens.maxTTLMs,
    ...(adoptionAlgorithm !== undefined && { adoptionAlgorithm }),
    suspend: flagOf(at("suspend")) ?? false,
  };
  checkSchedule(rotation, policy);
  checkWindows(at, policy);
  return policy;
}
