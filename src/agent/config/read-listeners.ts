import { type Address, addressIn, addressText } from "../../http/address.ts";
import { isLocal } from "../../http/local-only.ts";
import { addressFlaw, ownAddressFlaw } from "../../http/remote-address.ts";
import type { AgentSpec, IdentitySpec, ProxySpec, SocketSpec } from "../agent-spec.ts";
import {
  absolutePathOf,
  addressOf,
  choiceOf,
  fieldsOf,
  itemSpotsOf,
  need,
  refuse,
  refuseRepeats,
  type Spot,
  textOf,
} from "./agent-fields.ts";
import { readGroup } from "./read-sinks.ts";
import { mayBePlain } from "./read-source.ts";
import { agentCounts, agentDefaults, agentTexts } from "./token-agent-limits.ts";

export const proxyFields = ["listen", "upstream", "caFile", "plainHTTP", "identity", "authorization"] as const;
export const socketFields = ["listen", "identity", "mode", "group"] as const;

const authorizations = { Refuse: "refuse", Replace: "replace" } as const satisfies Record<
  string,
  ProxySpec["authorization"]
>;
const authorizationNames = ["Refuse", "Replace"] as const satisfies readonly (keyof typeof authorizations)[];

/** Where applications come to for the token of one identity. */
type ListenerSpecs = Pick<AgentSpec, "proxies" | "sockets">;

interface ListenersAround {
  readonly dir: string;
  readonly identities: readonly IdentitySpec[];
}

export function readListeners(
  spots: Readonly<Record<keyof ListenerSpecs, Spot>>,
  { dir, identities }: ListenersAround,
): ListenerSpecs {
  const around = { dir, names: new Set(identities.map(({ name }) => name)) };
  const proxies = itemSpotsOf(spots.proxies, agentCounts.proxies).map((one) => readProxy(one, around));
  const sockets = itemSpotsOf(spots.sockets, agentCounts.sockets).map((one) => readSocket(one, around));
  const addresses = [
    ...proxies.map(({ listen }, index) => listenAt(spots.proxies, index, listen)),
    ...sockets.map(({ path }, index) => listenAt(spots.sockets, index, { kind: "unix", path })),
  ];
  // Of port 0 each gets another one; and what can't be read is noted where it is
  refuseRepeats(addresses.filter(({ value }) => !value.endsWith(":0") && value !== "unix:"));
  return { proxies, sockets };
}

const listenAt = (list: Spot, index: number, address: Address) => ({
  ...list,
  value: addressText(address),
  path: `${list.path}[${index}].listen`,
});

interface ListenerAround {
  readonly dir: string;
  readonly names: ReadonlySet<string>;
}

function readProxy(spot: Spot, { dir, names }: ListenerAround): ProxySpec {
  const at = fieldsOf(need(spot), proxyFields);
  const flawOf = mayBePlain(at("plainHTTP")) ? addressFlaw : ownAddressFlaw;
  const upstream = addressOf(
    need(at("upstream")),
    (url) => flawOf(url) ?? (url.search === "" ? undefined : "must be a URL without a query"),
  );
  const caFile = absolutePathOf(at("caFile"), dir);
  const authorization = choiceOf(at("authorization"), authorizationNames);
  return {
    listen: readListen(need(at("listen"))),
    upstream: upstream ?? new URL("https://localhost/"),
    ...(caFile !== undefined && { caFile }),
    identity: readIdentityName(at("identity"), names),
    ...(authorization !== undefined && { authorization: authorizations[authorization] }),
  };
}

/** Whoever gets there has the token. */
function readListen(spot: Spot): ProxySpec["listen"] {
  const address = addressAt(spot);
  if (address && isLocal(address)) return address;
  if (address !== undefined) refuse(spot, "must be unix:/path, or a loopback address such as 127.0.0.1:8081");
  return { kind: "tcp", port: 0 };
}

function readSocket(spot: Spot, { names }: ListenerAround): SocketSpec {
  const at = fieldsOf(need(spot), socketFields);
  const listen = need(at("listen"));
  const address = addressAt(listen);
  const path = address && address.kind === "unix" ? address.path : "";
  if (address !== undefined && path === "") refuse(listen, "must be unix:/path");
  const mode = textOf(at("mode"), agentTexts.socketMode);
  const group = readGroup(at("group"));
  return {
    path,
    identity: readIdentityName(at("identity"), names),
    mode: mode === undefined ? agentDefaults.socketMode : Number.parseInt(mode, 8),
    ...(group !== undefined && { group }),
  };
}

/** Undefined if there is no text, which is noted already; false if it is no address. */
function addressAt(spot: Spot): Address | false | undefined {
  const text = textOf(spot, agentTexts.listen);
  return text === undefined ? undefined : (addressIn(text) ?? false);
}

function readIdentityName(spot: Spot, names: ReadonlySet<string>): string {
  const name = textOf(need(spot), agentTexts.name) ?? "";
  if (name !== "" && !names.has(name)) refuse(spot, "must be the name of an identity of the file");
  return name;
}
