import type { AgentSpec } from "../../../src/agent/agent-spec.ts";
import { parseTokenAgent } from "../../../src/agent/config/read-token-agent.ts";

export const issuer = { url: "https://issuer.example" };

/** A TokenAgent file with this spec. */
export const agentFileWith = (spec: object): object => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "TokenAgent",
  metadata: { name: "agent" },
  spec: { issuer, ...spec },
});

/** An identity of the file. */
export const identityWith = (more: object = {}): object => ({
  name: "orders",
  source: { tokenFile: "token" },
  ...more,
});

export const agentWith = (spec: object): AgentSpec => parseTokenAgent(agentFileWith(spec), "/etc/agent");
