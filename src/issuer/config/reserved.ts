import { reservedClaims as claimsOfTheMinter } from "../../jwt/mint-request.ts";

/**
 * Claims that nobody may ask for nor carry over: those that the minter sets; those of our own (RFC 9068 §2.2); and those that say how,
 * for whom and with which key somebody signed in (RFC 8693 §4, RFC 7800 §3.1, OpenID Connect Core §2).
 */
const reserved: ReadonlySet<string> = new Set([
  ...claimsOfTheMinter,
  ...["sid", "client_id", "scope", "meta"],
  ...["scp", "azp", "act", "may_act", "cnf"],
  ...["acr", "amr", "auth_time", "nonce", "at_hash", "c_hash", "s_hash"],
]);

/** Claims that an endpoint of the API sets for a grant below another one: whoever could ask for them could be anybody's agent. */
const setByEndpoints: ReadonlySet<string> = new Set(["agent_id", "agent_name", "workspace_id", "paths"]);

export const isSetByEndpoint = (claim: string): boolean => setByEndpoints.has(claim);

export const isReserved = (claim: string): boolean => reserved.has(claim);
