import { quoted } from "../errors/quote.ts";
import { type Address, addressIn, addressText } from "../http/address.ts";
import { isLocal } from "../http/local-only.ts";
import { flag } from "./flags.ts";
import { UsageError } from "./report-error.ts";

/** Where an agent listens when nobody says otherwise. */
export const defaultAgentSocket: Address = { kind: "unix", path: "/run/keyturn-agent/agent.sock" };

export interface AgentSocketFlags {
  readonly socket?: Address;
}

/** Which agent is asked: as `KEYTURN_AGENT_SOCKET` has it, too. */
export const agentSocketFlag = () =>
  flag("--socket <address>", "of the agent: a path, or a loopback address", {
    owner: "agent",
    parse: socketAddress,
    otherwise: addressText(defaultAgentSocket),
  });

function socketAddress(text: string, name: string): Address {
  const found = text.startsWith("/") ? ({ kind: "unix", path: text } as const) : addressIn(text);
  if (found && isLocal(found)) return found;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must look like /path, unix:/path or 127.0.0.1:8126`);
}
