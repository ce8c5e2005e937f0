import type { SessionOpening } from "../../../../src/sessions/core/peer-state.ts";
import {
  type RegistryEffect,
  type RegistryEffects,
  type RegistryRules,
  SessionRegistry,
} from "../../../../src/sessions/core/session-registry.ts";

export const nowMs = 1_800_000_000_000;
export const hourMs = 3_600_000;
export const rules: RegistryRules = {
  ...{ graceMs: 25_000, keepMs: 60_000, queueMessages: 4, queueBytes: 1000 },
  ...{ peers: 20_000, peersOfSubject: 3, totalBytes: 2000 },
};
export const alice = { subject: "alice", instanceId: "one" };
export const newRegistry = (other: Partial<RegistryRules> = {}) =>
  new SessionRegistry({ ...rules, ...other }, () => 0.5);
export const tokenOf = (subject: string, expiresAtMs = nowMs + hourMs) => ({
  subject,
  kid: "key-1",
  grant: `g-${subject}`,
  expiresAtMs,
  claims: "",
});
export const opening = (sessionId: string, other: Partial<SessionOpening> = {}): SessionOpening => ({
  ...{ sessionId, token: tokenOf("alice") },
  ...other,
});
const payload = new Uint8Array(10);
export const message = (id: string) => ({ id, payload });

/** All that the clock says. */
export function looked(registry: Pick<SessionRegistry, "lookNext">, atMs: number): RegistryEffects {
  const all: RegistryEffect[] = [];
  for (let effects = registry.lookNext(atMs); effects !== undefined; effects = registry.lookNext(atMs))
    all.push(...effects);
  return all;
}

/** What is done, a line each. */
export const lines = (effects: RegistryEffects | undefined): readonly string[] =>
  (effects ?? []).map(({ effect }) => {
    switch (effect.kind) {
      case "accept":
        return `accept ${effect.sessionId} ${effect.acceptance.isResumed ? "resumed" : "anew"}`;
      case "transmit":
        return `transmit ${effect.sessionId} ${effect.message.seq} ${effect.message.id}`;
      case "confirm":
        return `confirm ${effect.sessionId} ${effect.seq}`;
      case "extend":
        return `extend ${effect.sessionId}`;
      case "close":
        return `close ${effect.sessionId} ${effect.end.code}${effect.end.isRetryable ? "" : " for good"}`;
      case "deliver":
        return `deliver ${effect.message.seq} ${effect.message.id}`;
      case "answer":
        return `answer ${effect.id} ${effect.outcome}`;
      case "tell":
        return `tell ${effect.news.kind} ${effect.news.sessionId}`;
      default:
        return effect satisfies never;
    }
  });
