import { addressFlaw, ownAddressFlaw } from "../../http/remote-address.ts";
import type { SourceSpec, TokenEndpoint } from "../agent-spec.ts";
import {
  absolutePathOf,
  addressOf,
  fieldsOf,
  flagOf,
  isUnset,
  need,
  onlyMemberOf,
  type Spot,
  textOf,
} from "./agent-fields.ts";
import { agentTexts } from "./token-agent-limits.ts";

export const endpointFields = ["url", "caFile", "plainHTTP"] as const;
/** Of which exactly one says where an identity's tokens come from. */
export const tokenSourceFields = ["tokenFile", "clientSecret", "refreshTokenFile", "mintSocket"] as const;
const clientSecretFields = ["clientID", "secretFile"] as const;
const mintSocketFields = ["path", "subject"] as const;

/** Stands in for what can't be read. */
const noEndpoint: TokenEndpoint = { url: new URL("https://localhost/") };

/** An address of one's own, and who may have signed its certificate. Unset: undefined. */
export function readEndpoint(spot: Spot, dir: string): TokenEndpoint | undefined {
  if (isUnset(spot)) return undefined;
  const at = fieldsOf(spot, endpointFields);
  const flawOf = mayBePlain(at("plainHTTP")) ? addressFlaw : ownAddressFlaw;
  const url = addressOf(need(at("url")), (one) => flawOf(one) ?? (one.search === "" ? undefined : noQuery));
  const caFile = absolutePathOf(at("caFile"), dir);
  return { url: url ?? noEndpoint.url, ...(caFile !== undefined && { caFile }) };
}

const noQuery = "must be a URL without a query";

/** Somebody says that nobody listens on the way. */
export const mayBePlain = (spot: Spot): boolean => flagOf(spot) ?? false;

interface SourceAround {
  readonly dir: string;
  /** The identity's own issuer, or else that of all. */
  readonly issuer: TokenEndpoint | undefined;
  /** Where it should stand, if it is missing. */
  readonly issuerSpot: Spot;
}

/** Undefined if wrong. */
export function readTokenSource(spot: Spot, around: SourceAround): SourceSpec | undefined {
  const { dir } = around;
  const set = onlyMemberOf(spot, tokenSourceFields);
  if (set === undefined) return undefined;
  const { name: kind, member } = set;
  if (kind === "mintSocket") return readMintSocket(member, around);
  const issuer = around.issuer ?? noEndpoint;
  if (around.issuer === undefined) need(around.issuerSpot);
  if (kind !== "clientSecret") return { kind, issuer, path: absolutePathOf(member, dir) ?? "" };
  const at = fieldsOf(member, clientSecretFields);
  return {
    ...{ kind, issuer },
    clientId: textOf(need(at("clientID")), agentTexts.clientId) ?? "",
    secretFile: absolutePathOf(need(at("secretFile")), dir) ?? "",
  };
}

function readMintSocket(spot: Spot, { dir }: SourceAround): SourceSpec {
  const at = fieldsOf(spot, mintSocketFields);
  return {
    kind: "mintSocket",
    path: absolutePathOf(need(at("path")), dir) ?? "",
    subject: textOf(need(at("subject")), agentTexts.subject) ?? "",
  };
}
