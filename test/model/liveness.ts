import { keysOf } from "../../src/ring/ring.ts";
import { fairRound } from "./world/initial.ts";
import type { WorldKey } from "./world/key.ts";
import type { Scenario } from "./world/scenario.ts";
import type { World } from "./world/world.ts";

/** A rotation with all its waits, from the worst state, takes fewer rounds than this. */
const boundRounds = 60;

/** Invariants 9 and 10: from every state, when faults stop and gateways answer, all comes to rest. */
export class Liveness {
  /** Rounds to rest, by state. */
  readonly #rounds = new Map<number, number>();
  readonly #scenario: Scenario;
  readonly #keys: WorldKey;

  constructor(scenario: Scenario, keys: WorldKey) {
    this.#scenario = scenario;
    this.#keys = keys;
  }

  breachFrom(world: World, key: number): string | undefined {
    const path: number[] = [];
    let now = world;
    let at = key;
    while (!this.#rounds.has(at) && !isAtRest(now)) {
      path.push(at);
      if (path.length > boundRounds) return `never comes to rest: ${unrest(now) ?? ""}`;
      now = fairRound(now, this.#scenario);
      if (now.breach !== undefined) return `on the way to rest: ${now.breach}`;
      at = this.#keys.of(now);
    }
    let rounds = this.#rounds.get(at) ?? 0;
    if (rounds + path.length > boundRounds) return `needs more than ${String(boundRounds)} rounds to come to rest`;
    for (const state of path.reverse()) this.#rounds.set(state, ++rounds);
    return undefined;
  }
}

const isAtRest = (world: World): boolean => unrest(world) === undefined;

/** What is still to be done; undefined when all is well. */
function unrest({ objects, policy, requests, controllers, gateways, recovery }: World): string | undefined {
  const ring = objects.ring?.ring;
  if (!ring) return "there is no ring";
  if (recovery) return "the recovery is not done";
  if (controllers[0]?.phase !== "idle") return "a pass is under way";
  if (objects.signer?.ring !== ring || objects.open?.ring !== ring) return "a projection lacks the ring";
  if (policy.suspend) return undefined;
  if (ring.standby?.publishedAtMs === undefined) return "there is no published standby";
  const { pinnedKid, profile } = policy;
  const isPinned = pinnedKid !== undefined && keysOf(ring).some((k) => k.kid === pinnedKid && k.canSign);
  const open = requests.filter((r) => !ring.handledRequests.includes(r));
  if (open.length > 0 && !isPinned) return `the request ${open.join(", ")} is not handled`;
  if (isPinned && ring.signer.kid !== pinnedKid) return `the pinned key ${pinnedKid} does not sign`;
  const serves =
    ring.signer.profile.algorithm === profile.algorithm && ring.signer.profile.maxTTLMs >= profile.maxTTLMs;
  if (!serves && !isPinned) return "the signer has another profile than the policy";
  if (!ring.signer.canSign) return "the signer's private half is lost";
  // Who is down may still sign when it is back: only activation goes on without it
  if (gateways.some((g) => g.expected && g.phase !== "ready")) return undefined;
  const left = ring.retiring.find((k) => k.kid !== pinnedKid);
  return left && `the old key ${left.kid} is not pruned`;
}
