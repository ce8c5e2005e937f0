import { absolutePathOf } from "../../files/path-field.ts";
import { type ClaimPath, claimPathOf, type SubjectTemplate, templateOf } from "./claims.ts";
import {
  choiceOf,
  durationOf,
  entriesOf,
  fieldsOf,
  flagOf,
  isUnset,
  itemSpotsOf,
  need,
  needSome,
  refuse,
  refuseRepeats,
  refuseSame,
  type Spot,
  textOf,
  textsOf,
} from "./fields.ts";
import { globOf } from "./glob.ts";
import { algorithms } from "../../ring/key.ts";
import { issuerCounts, issuerDefaults, issuerDurations, issuerTexts } from "./token-issuer-limits.ts";
import { globsOf } from "./read-globs.ts";
import { type FileLimits, readAllowed } from "./read-allowed.ts";
import { readKeySource, sourceFields } from "./read-key-source.ts";
import { isReserved } from "./reserved.ts";
import { type ClaimMatch, type Trust, type TrustRule } from "./token-issuer.ts";

/** Where the file lies, and what holds for all of it. */
export interface Around {
  /** Paths that are not absolute begin here. */
  readonly dir: string;
  readonly limits: FileLimits;
}

export const trustFields = [
  "name",
  "issuer",
  ...sourceFields,
  "caFile",
  "bearerTokenFile",
  "audiences",
  "algorithms",
  "clockSkew",
  "maxAge",
  "singleUse",
  "rules",
] as const;

export const ruleFields = ["name", "match", "subject", "carry", "allow"] as const;

export function readTrust(spot: Spot, around: Around): Trust {
  const at = fieldsOf(need(spot), trustFields);
  const issuer = textOf(need(at("issuer")), issuerTexts.issuer) ?? "";
  const file = (path: Spot): string | undefined => absolutePathOf(path, around.dir);
  const caFile = file(at("caFile"));
  const bearerTokenFile = file(at("bearerTokenFile"));
  needSome(at("audiences"));
  needSome(at("rules"));
  const rules = itemSpotsOf(at("rules"), issuerCounts.rules);
  refuseSame(rules, "name");
  return {
    name: textOf(need(at("name")), issuerTexts.name) ?? "",
    issuer,
    keys: readKeySource(at, issuer),
    ...(caFile !== undefined && { caFile }),
    ...(bearerTokenFile !== undefined && { bearerTokenFile }),
    audiences: textsOf(at("audiences"), issuerCounts.audiences, issuerTexts.audience),
    algorithms: readAlgorithms(at("algorithms")),
    clockSkewMs: durationOf(at("clockSkew"), issuerDurations.clockSkew) ?? issuerDefaults.clockSkewMs,
    maxAgeMs: durationOf(at("maxAge"), issuerDurations.maxAge) ?? issuerDefaults.maxAgeMs,
    singleUse: flagOf(at("singleUse")) ?? false,
    rules: rules.map((rule) => readRule(rule, around.limits)),
  };
}

function readAlgorithms(spot: Spot): Trust["algorithms"] {
  if (isUnset(spot)) return algorithms;
  needSome(spot);
  const items = itemSpotsOf(spot, algorithms.length);
  refuseRepeats(items);
  return items.map((item) => choiceOf(need(item), algorithms)).filter((one) => one !== undefined);
}

function readRule(spot: Spot, limits: FileLimits): TrustRule {
  const at = fieldsOf(need(spot), ruleFields);
  return {
    name: textOf(need(at("name")), issuerTexts.name) ?? "",
    match: readMatch(at("match")),
    subject: readTemplate(at("subject")),
    carry: readCarry(at("carry")),
    allowed: readAllowed(
      at("allow"),
      [
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
      ],
      limits,
    ),
  };
}

/** Always with `sub`: a rule without it would be about everybody whom the issuer knows, and that is to be said. */
function readMatch(spot: Spot): readonly ClaimMatch[] {
  const entries = boundedEntries(need(spot), issuerCounts.matches);
  if (!isUnset(spot) && !entries.some(([name]) => name === "sub")) refuse(spot, 'must have "sub"', "has none");
  return entries.map(([name, globs]) => ({
    claim: readClaim({ ...globs, value: name }),
    globs: typeof globs.value === "string" ? [globOf(textOf(globs, issuerTexts.glob) ?? "")] : readGlobs(globs),
  }));
}

function readGlobs(spot: Spot): ClaimMatch["globs"] {
  needSome(spot);
  return globsOf(spot);
}

function boundedEntries(spot: Spot, most: number): ReturnType<typeof entriesOf> {
  const entries = entriesOf(spot);
  if (entries.length <= most) return entries;
  refuse(spot, `must have at most ${most} entries`, `has ${entries.length}`);
  return [];
}

function readClaim(spot: Spot): ClaimPath {
  const text = textOf(need(spot), issuerTexts.claim) ?? "claim";
  const path = claimPathOf(text);
  if (path === undefined) refuse(spot, "must be a claim's name, or a JSON pointer such as /kubernetes.io/namespace");
  return path ?? { text, names: [text] };
}

function readTemplate(spot: Spot): SubjectTemplate {
  const text = textOf(need(spot), issuerTexts.template) ?? "";
  const template = templateOf(text);
  if (typeof template !== "string") return template;
  refuse(spot, template);
  return { text, head: "", holes: [] };
}

function readCarry(spot: Spot): TrustRule["carry"] {
  const entries = boundedEntries(spot, issuerCounts.carry).map(([name, from]) => {
    const named = { ...from, value: name };
    textOf(named, issuerTexts.claim);
    if (isReserved(name)) refuse(named, "must be a claim that is not reserved");
    return [name, readClaim(from)] as const;
  });
  return Object.fromEntries(entries);
}
