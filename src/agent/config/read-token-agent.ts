import { tokenAgentKind } from "../../parse/api-names.ts";
import { readWhole, resourceOf } from "../../parse/read-whole.ts";
import type { AgentSpec, IdentitySpec } from "../agent-spec.ts";
import { fieldsOf, itemSpotsOf, refuseRepeats, refuseSame, type Spot } from "./agent-fields.ts";
import { readListeners } from "./read-listeners.ts";
import { readIdentity } from "./read-identity.ts";
import { readEndpoint } from "./read-source.ts";
import { agentCounts } from "./token-agent-limits.ts";

export const agentFields = ["issuer", "identities", "proxies", "sockets"] as const;

/**
 * Checks a whole TokenAgent, as JSON or YAML gave it, and fills in the defaults of `token-agent-limits.ts`. `null` counts as unset. The files that it
 * names are not looked at. Pure.
 *
 * @param dir - Where the file lies: relative paths begin there
 * @throws ChangeNeededError `InvalidTokenAgent` with all problems, one per line, as of a JwtKeyRotation
 */
export const parseTokenAgent = (value: unknown, dir: string): AgentSpec =>
  readWhole(value, "InvalidTokenAgent", (root) => readSpec(resourceOf(root, tokenAgentKind).spec, dir));

function readSpec(spot: Spot, dir: string): AgentSpec {
  const at = fieldsOf(spot, agentFields);
  const issuer = readEndpoint(at("issuer"), dir);
  const spots = itemSpotsOf(at("identities"), agentCounts.identities);
  refuseSame(spots, "name");
  const identities = spots.map((one) => readIdentity(one, { dir, issuer }));
  refuseSharedSinks(identities, at("identities"));
  const listeners = readListeners({ proxies: at("proxies"), sockets: at("sockets") }, { dir, identities });
  return { ...(issuer && { issuer }), identities, ...listeners };
}

/** Each would write over what the other has written. */
function refuseSharedSinks(identities: readonly IdentitySpec[], spot: Spot): void {
  const sinks = identities.flatMap(({ sinks: all }, index) =>
    all.map(({ path }, at) => ({ ...spot, value: path, path: `${spot.path}[${index}].sinks[${at}]` })),
  );
  refuseRepeats(sinks.filter(({ value }) => value !== ""));
}
