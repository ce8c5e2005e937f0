import { expect } from "vitest";
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

/** What a reader finds wrong, line by line. */
export function problemsOf(read: () => unknown, code = "InvalidTokenAgent"): readonly string[] {
  try {
    read();
  } catch (error) {
    expect(error).toMatchObject({ code });
    return error instanceof Error ? error.message.split("\n") : [];
  }
  return [];
}

export const problemsIn = (spec: object): readonly string[] => problemsOf(() => agentWith(spec));
