import type { Kid } from "../../../src/ring/key.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import { knobsOf, type Scenario } from "../world/scenario.ts";
import { holds, skewTicks } from "../world/tokens.ts";
import type { Gateway, Token, World } from "../world/world.ts";

/** A token that is refused although it must be accepted: by whom, and why. */
export interface Refusal {
  readonly token: Token;
  readonly by: string;
  readonly because: string;
}

/** Every token that is about is presented everywhere, in every state: invariant 3. */
export function refusalIn(world: World): Refusal | undefined {
  for (const gateway of world.gateways) {
    if (!gateway.expected || gateway.phase !== "ready" || !gateway.ring) continue;
    const refusal = refusalAt(world, gateway, gateway.ring);
    if (refusal) return refusal;
  }
  return refusalByCache(world);
}

function refusalAt(world: World, gateway: Gateway, ring: Ring): Refusal | undefined {
  const accepts = (kid: Kid): boolean => holds(ring, kid) && !gateway.refuses.includes(kid);
  const valid = (t: Token): boolean => t.tick > world.tick + gateway.clock;
  const refused = (token: Token): Refusal => ({
    token,
    by: gateway.name,
    because: `it has generation ${String(ring.generation % 10_000)}, which lacks ${token.kid}`,
  });
  for (const token of world.tokens) if (valid(token) && !accepts(token.kid)) return refused(token);
  for (const token of world.earlyTokens) {
    const since = world.wereEarly.find((e) => e.kid === token.kid)?.sinceGeneration ?? Infinity;
    if (valid(token) && ring.generation >= since && !accepts(token.kid)) return refused(token);
  }
  return undefined;
}

function refusalByCache(world: World): Refusal | undefined {
  for (const token of world.tokens) {
    const until = world.missing.find((u) => u.kid === token.kid)?.tick ?? 0;
    if (until > world.tick && token.tick > world.tick - skewTicks) {
      return {
        token,
        by: "a third-party cache",
        because: `a JWKS without ${token.kid} lives until tick ${String(until)}`,
      };
    }
  }
  return undefined;
}

/** Nobody accepts a key again that it was told to refuse. */
function revivedAt({ gateways }: World, scenario: Scenario): string | undefined {
  if (knobsOf(scenario).revokedUnion) return undefined;
  for (const { name, ring, refuses } of gateways) {
    const back = ring && refuses.find((kid) => holds(ring, kid));
    if (back !== undefined) return `${name} accepts ${back} again, which it knows to be revoked`;
  }
  return undefined;
}

/** What must hold in every state. */
export function breachOfState(world: World, scenario: Scenario): string | undefined {
  const breach = world.breach ?? revivedAt(world, scenario);
  if (breach !== undefined) return breach;
  const refusal = refusalIn(world);
  return refusal && `refused:${refusal.token.kid}:${refusal.by}`;
}
