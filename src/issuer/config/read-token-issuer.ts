import {
  durationOf,
  fieldsOf,
  instantOf,
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
import { issuerCounts, issuerDefaults, issuerDurations, issuerTexts } from "./token-issuer-limits.ts";
import { isChildSubject, isOfTrust, mustBeNoChild } from "./names.ts";
import { readAllowed } from "./read-allowed.ts";
import { type Around, readTrust } from "./read-trust.ts";
import type { Client, TokenIssuer } from "./token-issuer.ts";
import { absolutePathOf } from "../../files/path-field.ts";
import { webOriginOf } from "../../http/web-address.ts";
import { tokenIssuerKind } from "../../parse/api-names.ts";
import { readWhole, resourceOf } from "../../parse/read-whole.ts";

export const issuerSpecFields = [
  "retryWindow",
  "recoverGrantsUntil",
  "recoverExpiredFor",
  "maxAccessTTL",
  "maxRefreshTTL",
  "ownAudiences",
  "allowedOrigins",
  "clients",
  "trust",
] as const;
export const clientFields = ["id", "secretFiles", "subject", "allow"] as const;

/**
 * Checks a whole TokenIssuer, as JSON or YAML gave it, and fills in the defaults of `token-issuer-limits.ts`. `null` counts as unset. The files that
 * it names are not looked at. Pure.
 *
 * @param dir - Where the file lies: relative paths begin there
 * @throws ChangeNeededError `InvalidTokenIssuer` with all problems, one per line, as of a JwtKeyRotation
 */
export function parseTokenIssuer(value: unknown, dir: string): TokenIssuer {
  return readWhole(value, "InvalidTokenIssuer", (root) => {
    const { name, spec } = resourceOf(root, tokenIssuerKind);
    return { name, ...readSpec(spec, dir) };
  });
}

function readSpec(spot: Spot, dir: string): Omit<TokenIssuer, "name"> {
  const at = fieldsOf(spot, issuerSpecFields);
  const maxAccessTtlMs = durationOf(at("maxAccessTTL"), issuerDurations.accessTtl);
  const limits = {
    ...(maxAccessTtlMs !== undefined && { maxAccessTtlMs }),
    maxRefreshTtlMs: durationOf(at("maxRefreshTTL"), issuerDurations.refreshTtl) ?? issuerDefaults.maxRefreshTtlMs,
  };
  const recoverGrantsUntilMs = instantOf(at("recoverGrantsUntil"));
  const recoverExpiredForMs = durationOf(at("recoverExpiredFor"), issuerDurations.recoverExpired);
  const [clients, trust] = [
    itemSpotsOf(at("clients"), issuerCounts.clients),
    itemSpotsOf(at("trust"), issuerCounts.trust),
  ];
  refuseSame(clients, "id");
  refuseSame(trust, "name");
  refuseSame(trust, "issuer");
  return {
    ...limits,
    retryWindowMs: durationOf(at("retryWindow"), issuerDurations.retryWindow) ?? issuerDefaults.retryWindowMs,
    ...(recoverGrantsUntilMs !== undefined && { recoverGrantsUntilMs }),
    ...(recoverExpiredForMs !== undefined && { recoverExpiredForMs }),
    ownAudiences: textsOf(at("ownAudiences"), issuerCounts.audiences, issuerTexts.audience),
    allowedOrigins: readOrigins(at("allowedOrigins")),
    clients: clients.map((client) => readClient(client, { dir, limits })),
    trust: trust.map((one) => readTrust(one, { dir, limits })),
  };
}

function readOrigins(spot: Spot): readonly string[] {
  const items = itemSpotsOf(spot, issuerCounts.origins);
  refuseRepeats(items);
  return items.map(webOriginOf);
}

function readClient(spot: Spot, { dir, limits }: Around): Client {
  const at = fieldsOf(need(spot), clientFields);
  const id = textOf(need(at("id")), issuerTexts.clientId) ?? "";
  const files = itemSpotsOf(at("secretFiles"), issuerCounts.secretFiles);
  needSome(at("secretFiles"));
  refuseRepeats(files);
  if (isOfTrust(id))
    refuse(at("id"), 'must not begin with "trust:", as the client_id of another issuer\'s tokens does');
  const subject = textOf(at("subject"), issuerTexts.subject) ?? id;
  if (isChildSubject(subject)) refuse(at(isUnset(at("subject")) ? "id" : "subject"), mustBeNoChild);
  return {
    id,
    secretFiles: files.map((file) => absolutePathOf(need(file), dir) ?? ""),
    subject,
    allowed: readAllowed(
      at("allow"),
      [
        "client_credentials",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
      ],
      limits,
    ),
  };
}
