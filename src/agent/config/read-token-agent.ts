import { addressIn, addressText } from "../../http/address.ts";
import { isLocal } from "../../http/local-only.ts";
import { addressFlaw, ownAddressFlaw } from "../../http/remote-address.ts";
import { tokenAgentKind } from "../../parse/api-names.ts";
import { readWhole, resourceOf } from "../../parse/read-whole.ts";
import type { AgentSpec, IdentitySpec, ProxySpec } from "../agent-spec.ts";
import {
  absolutePathOf,
  addressOf,
  choiceOf,
  fieldsOf,
  itemSpotsOf,
  need,
  refuse,
  refuseRepeats,
  refuseSame,
  type Spot,
  textOf,
} from "./agent-fields.ts";
import { readIdentity } from "./read-identity.ts";
import { mayBePlain, readEndpoint } from "./read-source.ts";
import { agentCounts, agentTexts } from "./token-agent-limits.ts";

export const agentFields = ["issuer", "identities", "proxies"] as const;
export const proxyFields = ["listen", "upstream", "caFile", "plainHTTP", "identity", "authorization"] as const;

const authorizations = { Refuse: "refuse", Replace: "replace" } as const satisfies Record<
  string,
  ProxySpec["authorization"]
>;
const authorizationNames = ["Refuse", "Replace"] as const satisfies readonly (keyof typeof authorizations)[];

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
  return { ...(issuer && { issuer }), identities, proxies: readProxies(at("proxies"), { dir, identities }) };
}

/** Each would write over what the other has written. */
function refuseSharedSinks(identities: readonly IdentitySpec[], spot: Spot): void {
  const sinks = identities.flatMap(({ sinks: all }, index) =>
    all.map(({ path }, at) => ({ ...spot, value: path, path: `${spot.path}[${index}].sinks[${at}]` })),
  );
  refuseRepeats(sinks.filter(({ value }) => value !== ""));
}

interface ProxyAround {
  readonly dir: string;
  readonly identities: readonly IdentitySpec[];
}

function readProxies(spot: Spot, around: ProxyAround): readonly ProxySpec[] {
  const spots = itemSpotsOf(spot, agentCounts.proxies);
  const names = new Set(around.identities.map(({ name }) => name));
  const proxies = spots.map((one) => readProxy(one, { ...around, names }));
  const addresses = proxies.map(({ listen }, index) => ({
    ...spot,
    value: addressText(listen),
    path: `${spot.path}[${index}].listen`,
  }));
  // Of port 0 each gets another one
  refuseRepeats(addresses.filter(({ value }) => !value.endsWith(":0")));
  return proxies;
}

function readProxy(spot: Spot, { dir, names }: ProxyAround & { readonly names: ReadonlySet<string> }): ProxySpec {
  const at = fieldsOf(need(spot), proxyFields);
  const flawOf = mayBePlain(at("plainHTTP")) ? addressFlaw : ownAddressFlaw;
  const upstream = addressOf(
    need(at("upstream")),
    (url) => flawOf(url) ?? (url.search === "" ? undefined : "must be a URL without a query"),
  );
  const caFile = absolutePathOf(at("caFile"), dir);
  const identity = textOf(need(at("identity")), agentTexts.name) ?? "";
  if (identity !== "" && !names.has(identity)) refuse(at("identity"), "must be the name of an identity of the file");
  const authorization = choiceOf(at("authorization"), authorizationNames);
  return {
    listen: readListen(need(at("listen"))),
    upstream: upstream ?? new URL("https://localhost/"),
    ...(caFile !== undefined && { caFile }),
    identity,
    ...(authorization !== undefined && { authorization: authorizations[authorization] }),
  };
}

/** Whoever gets there has the token. */
function readListen(spot: Spot): ProxySpec["listen"] {
  const text = textOf(spot, agentTexts.listen);
  const address = text === undefined ? undefined : addressIn(text);
  if (address && isLocal(address)) return address;
  if (text !== undefined) refuse(spot, "must be unix:/path, or a loopback address such as 127.0.0.1:8081");
  return { kind: "tcp", port: 0 };
}
