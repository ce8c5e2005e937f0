import { formatDuration } from "../parse/duration.ts";
import type { HealthCheck } from "../telemetry/health.ts";
import type { AgentIdentityStatus } from "./agent-identities.ts";
import type { IdentitySpec } from "./agent-spec.ts";

/** What readiness looks at. */
export interface ReadinessOptions {
  /** In the order in which they are named. */
  readonly identities: () => Iterable<{ readonly spec: Pick<IdentitySpec, "keep">; status(): AgentIdentityStatus }>;
  /** So long each token is to be good, in milliseconds. */
  readonly marginMs: number;
  readonly nowMs: () => number;
}

/** So many are named. */
const mostNamed = 3;

/**
 * Every identity that is always kept has a token that is good for so long, and so has each of its places. One that only its use renews is not asked
 * about. A place that lacks the newest token while the one there will do is a remark.
 */
export function agentReadiness({ identities, marginMs, nowMs }: ReadinessOptions): HealthCheck {
  return () => {
    const goodAtMs = nowMs() + marginMs;
    const [without, late, behind]: [string[], string[], string[]] = [[], [], []];
    for (const one of identities()) {
      if (one.spec.keep !== "always") continue;
      const { name, token, sinkProblems } = one.status();
      if (token === undefined || (token.expiresAtMs ?? Infinity) < goodAtMs) without.push(name);
      for (const { place, goodUntilMs = 0 } of sinkProblems) (goodUntilMs < goodAtMs ? late : behind).push(place);
    }
    const good = `a token that is good for ${formatDuration(marginMs)}`;
    if (without.length > 0) return `there must be ${good}: ${namesOf(without)}`;
    if (late.length > 0) return `must be written, ${good}: ${namesOf(late)}`;
    return behind.length > 0 ? { remark: `the newest token could not be written: ${namesOf(behind)}` } : undefined;
  };
}

/** A socket or a proxy that is not open is a remark: the others serve. */
export const listenersReadiness =
  (missing: () => readonly string[]): HealthCheck =>
  () =>
    missing().length > 0 ? { remark: `these could not be opened: ${namesOf(missing())}` } : undefined;

function namesOf(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return `${names.slice(0, mostNamed).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
