import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { type Address, addressText } from "../../http/address.ts";
import { type Limits, listen, type Listener } from "../../http/listener.ts";
import { isLocal } from "../../http/local-only.ts";
import { agentApi } from "./agent-api.ts";
import type { ApiParts } from "./endpoints.ts";
import { checkOwnDirectory, prepareSocketPlace } from "./socket-place.ts";

export interface AgentApiOpening extends ApiParts {
  /** A Unix socket, which gets mode 0660, or a loopback address. */
  readonly address: Address;
  readonly limits?: Limits;
}

/** A connection costs its owner nothing: whoever opens many ends his own, or those that nobody uses. */
const ownLimits: Limits = { headerBytes: 16_384, connections: 1024, whenFull: "endQuietest" };

/**
 * Opens the loopback API.
 *
 * @throws ChangeNeededError `AddressUnusable`, `DirectoryUnsafe`; `RegisteringUnsafe` over TCP, where every user of the machine could
 */
export async function openAgentApi({ address, limits, ...parts }: AgentApiOpening): Promise<Listener> {
  const { registration, only, log } = parts;
  const place = addressText(address);
  if (!isLocal(address)) {
    const must = "must be a Unix socket or a loopback address: it gives tokens to whoever asks";
    throw new ChangeNeededError("AddressUnusable", `Cannot listen on ${place}: ${must}`);
  }
  if (registration && address.kind === "tcp") {
    const must = "must be a Unix socket, since every user of the machine can come there";
    throw new ChangeNeededError("RegisteringUnsafe", `Cannot let identities be registered on ${place}: ${must}`);
  }
  if (registration) await checkOwnDirectory(registration.directory);
  const remark = address.kind === "unix" ? await prepareSocketPlace(address.path) : undefined;
  if (remark !== undefined) log.info({ address: place }, remark);
  const face = agentApi({ ...parts, isTcp: address.kind === "tcp" });
  const listener = await listen(address, face, { ...ownLimits, ...limits });
  log.info({ address: place, port: listener.port, ...(only !== undefined && { identity: only }) }, "giving tokens");
  return listener;
}
