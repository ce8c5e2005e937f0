import { readWhole } from "../../parse/read-whole.ts";
import type { IdentitySpec, SourceSpec, TokenEndpoint, TokenRequestSpec } from "../agent-spec.ts";
import {
  choiceOf,
  durationOf,
  fieldsOf,
  isUnset,
  itemSpotsOf,
  need,
  refuse,
  type Spot,
  textOf,
  textsOf,
} from "./agent-fields.ts";
import { readEndpoint, readTokenSource } from "./read-source.ts";
import { readNotify, readSinks } from "./read-sinks.ts";
import { agentCounts, agentDefaults, agentDurations, agentTexts } from "./token-agent-limits.ts";

export const identityFields = ["name", "issuer", "source", "request", "keep", "sinks", "notify"] as const;
/** Of one that is registered at run time; where it is sent to, and what is run, whoever keeps the file decides. */
const registeredFields = ["source", "request", "keep", "sinks"] as const;
export const requestFields = ["audiences", "scopes", "accessTTL", "refreshTTL"] as const;

const keeps = { Always: "always", OnUse: "onUse" } as const satisfies Record<string, IdentitySpec["keep"]>;
const keepNames = ["Always", "OnUse"] as const satisfies readonly (keyof typeof keeps)[];

/** Where an identity stands, and what holds for all of them. */
export interface IdentityAround {
  /** Paths that are not absolute begin here. */
  readonly dir: string;
  readonly issuer: TokenEndpoint | undefined;
}

/** One of the file. */
export function readIdentity(spot: Spot, { dir, issuer }: IdentityAround): IdentitySpec {
  const at = fieldsOf(need(spot), identityFields);
  const own = readEndpoint(at("issuer"), dir);
  const source = readTokenSource(at("source"), { dir, issuer: own ?? issuer, issuerSpot: at("issuer") });
  if (source?.kind === "mintSocket" && own) refuse(at("issuer"), "must not be set with mintSocket", "is set");
  const notify = readNotify(at("notify"), dir);
  return {
    name: nameOf(at("name")),
    ...readKept(at, source, dir),
    ...(notify && { notify }),
  };
}

export interface RegisteredAround extends IdentityAround {
  readonly name: string;
}

/**
 * One that is registered at run time, under its name: `{source, request?, keep?, sinks?}` as in the file. Its issuer is that of the file's `spec.issuer`: a
 * caller may not choose to whom the agent sends what it reads, nor what it runs.
 *
 * @throws ChangeNeededError `InvalidIdentity` with all problems, one per line
 */
export const parseRegistered = (value: unknown, { name, dir, issuer }: RegisteredAround): IdentitySpec =>
  readWhole(value, "InvalidIdentity", (root) => {
    const at = fieldsOf(need(root), registeredFields);
    const issuerSpot: Spot = { ...root, value: undefined, path: "spec.issuer of the agent" };
    const source = readTokenSource(at("source"), { dir, issuer, issuerSpot });
    return { name: nameOf({ ...root, value: name, path: "name" }), ...readKept(at, source, dir) };
  });

const nameOf = (spot: Spot): string => textOf(need(spot), agentTexts.name) ?? "";

type KeptFields = (name: "request" | "keep" | "sinks") => Spot;

function readKept(at: KeptFields, source: SourceSpec | undefined, dir: string): Omit<IdentitySpec, "name" | "notify"> {
  const keep = choiceOf(at("keep"), keepNames) ?? agentDefaults.keep;
  const sinks = readSinks(at("sinks"), dir);
  // A file that nobody renews would be what this is all against
  if (keep === "OnUse" && sinks.length > 0) refuse(at("keep"), "must be Always where there are sinks");
  return {
    source: source ?? { kind: "mintSocket", path: "", subject: "" },
    request: readRequest(at("request"), source),
    keep: keeps[keep],
    sinks,
  };
}

function readRequest(spot: Spot, source: SourceSpec | undefined): TokenRequestSpec {
  const at = fieldsOf(spot, requestFields);
  const accessTtlMs = durationOf(at("accessTTL"), agentDurations.accessTtl);
  const refreshTtlMs = durationOf(at("refreshTTL"), agentDurations.refreshTtl);
  if (source?.kind === "mintSocket") {
    if (!isUnset(at("refreshTTL"))) {
      refuse(at("refreshTTL"), "must not be set with mintSocket, which gives no refresh token", "is set");
    }
    itemSpotsOf(at("audiences"), 1);
  }
  return {
    audiences: textsOf(at("audiences"), agentCounts.audiences, agentTexts.audience),
    scopes: textsOf(at("scopes"), agentCounts.scopes, agentTexts.scope),
    ...(accessTtlMs !== undefined && { accessTtlMs }),
    ...(refreshTtlMs !== undefined && { refreshTtlMs }),
  };
}
