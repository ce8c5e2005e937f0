import { effect } from "./moves.ts";
import { isStalled, recovering } from "./controller.ts";
import { backedUp, restoreEverything } from "./deeds.ts";
import { answer, setGateway, startStep } from "./gateway.ts";
import { hasMount, syncMount } from "./mount.ts";
import type { GatewayDefinition, Scenario } from "./scenario.ts";
import { settle } from "./tokens.ts";
import type { Budgets, Gateway, World } from "./world.ts";

const none: Budgets = {
  requests: 0,
  crashes: 0,
  pauses: 0,
  restarts: 0,
  deletions: 0,
  arrivals: 0,
  edits: 0,
  disasters: 0,
  backups: 0,
};

const gatewayOf = ({
  name,
  clock = 0,
  reads = "signer",
  later = false,
  mountOnly = false,
}: GatewayDefinition): Gateway => ({
  name,
  clock,
  reads,
  mountOnly,
  expected: !later,
  phase: later ? "gone" : "down",
  refuses: [],
});

/** How long the ring comes to rest before a settled story begins. */
const restTicks = 12;

/** Where the search begins: an empty place, or a ring that has come to rest. */
export function initialWorld(scenario: Scenario): World {
  const world: World = {
    tick: scenario.start === "nothing" ? 0 : -restTicks,
    clockTrusted: true,
    made: 0,
    versions: 0,
    objects: {},
    policy: scenario.policy,
    requests: ["spec:0"],
    recovery: false,
    servesOld: false,
    controllers: Array.from({ length: scenario.controllers ?? 1 }, () => ({ phase: "idle" as const })),
    gateways: scenario.gateways.map(gatewayOf),
    tokens: [],
    earlyTokens: [],
    early: [],
    wereEarly: [],
    missing: [],
    copiesTick: -Infinity,
    appSigns: [],
    revokedEver: [],
    destroyed: [],
    left: { ...none, ...scenario.budgets },
  };
  if (scenario.start === "nothing") return settle(world, scenario);
  let now = world;
  while (now.tick < 0) now = fairRound(now, scenario);
  return scenario.start === "restored" ? restored(now, scenario) : now;
}

function restored(world: World, scenario: Scenario): World {
  let now = backedUp(world);
  for (const request of ["spec:1", "spec:2"]) {
    const before = now.objects.ring?.ring.signer.kid;
    now = { ...now, requests: [request] };
    while (now.objects.ring?.ring.signer.kid === before) now = fairRound(now, scenario);
  }
  return settle(restoreEverything.apply(now) ?? now, scenario);
}

/** One round in which everybody does what is to be done, and then time passes. */
export function fairRound(world: World, scenario: Scenario): World {
  let now = world.clockTrusted ? world : { ...world, clockTrusted: true };
  for (let passes = 0; passes < 6; passes++) {
    const { versions, gateways } = now;
    do now = effect(now, 0, scenario);
    while (now.controllers[0]?.phase !== "idle" && now.breach === undefined);
    now = answered(settle(now, scenario), scenario);
    if (isStalled(now, scenario)) now = recovering(now);
    else if (now.versions === versions && now.gateways === gateways) break;
  }
  return settle({ ...now, tick: now.tick + 1 }, scenario);
}

const isStarting = ({ expected, phase }: Gateway): boolean => expected && phase !== "ready" && phase !== "gone";

/** Every gateway starts, takes over and acknowledges. */
function answered(world: World, scenario: Scenario): World {
  let now = world;
  for (const g of world.gateways) {
    if (scenario.crashLoops === true && now.tick >= 0 && isStarting(g)) {
      if (g.phase === "down") now = setGateway(now, startStep({ world: now, gateway: g, scenario }) ?? g);
      continue;
    }
    const mounted = hasMount(g, scenario) ? (syncMount(now, g) ?? g) : g;
    const to = answer({ world: now, gateway: mounted, scenario }) ?? mounted;
    if (to !== g) now = settle(setGateway(now, to), scenario);
  }
  return now;
}
