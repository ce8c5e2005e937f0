import type { Kid } from "../../../src/ring/key.ts";
import { keysOf, type Ring } from "../../../src/ring/ring.ts";
import { ageMounts } from "./mount.ts";
import { knobsOf, type Scenario } from "./scenario.ts";
import { msAt, tickMs, type AppKey, type Gateway, type Token, type Until, type World } from "./world.ts";

/** How far two clocks may be apart from the controller's, in ticks: both directions occur. */
export const skewTicks = 1;

const kidSets = new WeakMap<Ring, ReadonlySet<Kid>>();
/** Does this ring list the kid? */
export function holds(ring: Ring, kid: Kid): boolean {
  let kids = kidSets.get(ring);
  if (!kids) kidSets.set(ring, (kids = new Set(keysOf(ring).map((k) => k.kid))));
  return kids.has(kid);
}

/**
 * Everything that happens all the time and hurts the more, the more it happens: who can mint, mints; who can confirm,
 * confirms; whatever is served, is cached. So no move is needed for it, and no history is lost.
 */
export function settle(world: World, scenario: Scenario): World {
  const gateways = confirmed({ ...world, gateways: ageMounts(world, scenario) });
  const early = stillEarly(world);
  const earlyTokensOf = new Set(world.earlyTokens.map((t) => t.kid));
  const wereEarly = world.wereEarly.filter((e) => earlyTokensOf.has(e.kid) || early.some((s) => s.kid === e.kid));
  const now = { ...world, gateways, early, wereEarly };
  const signing = scenario.app === true ? appSigns(now) : [];
  const minted = [...now.gateways.flatMap((g) => mintedBy(now, g, scenario)), ...mintedByApp(now, signing)];
  const isEarly = (t: Token) => early.some((e) => e.kid === t.kid);
  return {
    ...now,
    appSigns: signing,
    tokens: longest(
      now,
      world.tokens,
      minted.filter((t) => !isEarly(t)),
    ),
    earlyTokens: longest(now, world.earlyTokens, minted.filter(isEarly)),
    ...(scenario.caches === true && cached(now, scenario)),
    revokedEver: revokedEver(now),
  };
}

function revokedEver({ objects, revokedEver: before }: World): readonly Kid[] {
  const revoked = objects.ring?.ring.revoked ?? [];
  const fresh = revoked.filter((r) => !before.includes(r.kid));
  return fresh.length === 0 ? before : [...before, ...fresh.map((r) => r.kid)];
}

/** A living minter hears from the API server as long as its key signs there. */
function confirmed(world: World): readonly Gateway[] {
  const signer = world.objects.signer?.ring.signer.kid;
  const hears = (g: Gateway): boolean =>
    g.phase === "ready" && !g.mountOnly && g.half !== undefined && g.half === signer && g.confirmedTick !== world.tick;
  if (!world.gateways.some(hears)) return world.gateways;
  return world.gateways.map((g) => (hears(g) ? { ...g, confirmedTick: world.tick } : g));
}

// --- minting ----------------------------------------------------------------------------------

function mintedBy(world: World, g: Gateway, scenario: Scenario): Token[] {
  if (g.phase !== "ready" || !g.ring || g.half === undefined) return [];
  const { settings } = g.ring;
  const key = keysOf(g.ring).find((k) => k.kid === g.half);
  if (!key || g.refuses.includes(key.kid)) return [];
  const clock = world.tick + g.clock;
  const ttl = Math.min(key.profile.maxTTLMs, settings.mintMaxTTLMs) / tickMs;
  const { mintFence, fenceSkew } = knobsOf(scenario);
  const room = (settings.rotationWindowMs - (fenceSkew ? 2 * settings.clockSkewMs : 0)) / tickMs;
  const fence = (g.confirmedTick ?? -Infinity) + g.clock + room;
  const fenced = mintFence && !g.mountOnly;
  const ends = fenced ? Math.min(clock + ttl, fence) : clock + ttl;
  return ends > clock ? [{ kid: key.kid, tick: ends, by: g.name, mintedTick: world.tick }] : [];
}

/** Until when the application may use which key: as long as its Secret shows it, and the wait of the policy after. */
function appSigns(world: World): readonly AppKey[] {
  const { objects, policy, tick } = world;
  const signer = objects.signer?.ring.signer;
  const others = world.appSigns.filter((u) => (u.kid !== signer?.kid || world.servesOld) && u.tick >= tick);
  const known = world.appSigns.find((u) => u.kid === signer?.kid)?.tick ?? 0;
  if (!signer?.canSign || world.servesOld) return others;
  const until = Math.max(known, tick + policy.propagationMs / tickMs);
  return [...others, { kid: signer.kid, tick: until, ttl: signer.profile.maxTTLMs / tickMs }];
}

/** The application's clock is ahead, as the design allows. */
const mintedByApp = ({ tick }: World, signing: readonly AppKey[]): Token[] =>
  signing.map(({ kid, ttl }) => ({ kid, tick: tick + skewTicks + ttl, by: "the application", mintedTick: tick }));

/** Expired and revoked ones are of no interest any more. */
function longest(world: World, before: readonly Token[], minted: readonly Token[]): readonly Token[] {
  const lives = (t: Token): boolean =>
    t.tick > world.tick - skewTicks && !isRevoked(world, t.kid) && !world.destroyed.includes(t.kid);
  let result = before.every(lives) ? before : before.filter(lives);
  for (const token of minted) {
    const known = result.find((t) => t.kid === token.kid);
    if ((known && known.tick >= token.tick) || !lives(token)) continue;
    result = [...result.filter((t) => t !== known), token];
  }
  return result;
}

const isRevoked = (world: World, kid: Kid): boolean =>
  world.revokedEver.includes(kid) || world.objects.ring?.ring.revoked.some((r) => r.kid === kid) === true;

/** A key stops being early when it is known everywhere after all. */
function stillEarly(world: World): World["early"] {
  const ring = world.objects.ring?.ring;
  if (world.early.length === 0 || !ring) return world.early;
  const known = (kid: Kid): boolean => {
    const key = keysOf(ring).find((k) => k.kid === kid);
    return key?.publishedAtMs !== undefined && key.publishedAtMs + key.waitMs <= msAt(world.tick);
  };
  return world.early.filter((e) => !known(e.kid));
}

// --- third-party caches -----------------------------------------------------------------------

function cached(world: World, scenario: Scenario): Pick<World, "missing" | "copiesTick"> {
  const { objects, backup, tick } = world;
  const served: Ring[] = [];
  const serve = (ring: Ring | undefined): void => {
    if (ring && !served.includes(ring)) served.push(ring);
  };
  if (!world.servesOld) serve(objects.open?.ring);
  // A degraded gateway forbids caching: it may not know yet what everybody else knows
  const cacheable = (g: Gateway): boolean =>
    g.expected && g.phase === "ready" && !(knobsOf(scenario).degradedUncached && g.degraded === true);
  for (const g of world.gateways) if (cacheable(g)) serve(g.ring);
  const kids = new Set(world.tokens.map((t) => t.kid));
  for (const object of [objects.ring, objects.signer, objects.open, backup?.ring, backup?.signer, backup?.open]) {
    if (object) for (const key of keysOf(object.ring)) kids.add(key.kid);
  }
  const ends = (ring: Ring): number => tick + ring.settings.jwksMaxAgeMs / tickMs;
  const missing: Until[] = [];
  for (const kid of kids) {
    // A key that is new is in no copy that was ever served
    let until = world.missing.find((u) => u.kid === kid)?.tick ?? world.copiesTick;
    for (const ring of served) if (!holds(ring, kid)) until = Math.max(until, ends(ring));
    missing.push({ kid, tick: Math.max(until, tick) });
  }
  return { missing, copiesTick: Math.max(world.copiesTick, ...served.map(ends)) };
}
