import { isStalled, recovering } from "./controller.ts";
import { backedUp } from "./deeds.ts";
import { empty, inApi, setGateway, short } from "./gateway.ts";
import { hasMount, syncMount } from "./mount.ts";
import { omit } from "./omit.ts";
import { knobsOf, type Deed, type Scenario } from "./scenario.ts";
import type { Budgets, Gateway, Move, World } from "./world.ts";

const spend = (world: World, what: keyof Budgets): World => ({
  ...world,
  left: { ...world.left, [what]: world.left[what] - 1 },
});

/** What people ask for, and what goes wrong: each as often as the scenario allows. */
export function adversities(world: World, scenario: Scenario): Move[] {
  const { left } = world;
  return [
    ...(left.requests > 0 ? [request(world)] : []),
    ...(left.restarts > 0 ? world.gateways.flatMap((g) => restart(world, g, scenario)) : []),
    ...(left.deletions > 0 ? world.gateways.flatMap((g) => deletion(world, g)) : []),
    ...(left.arrivals > 0 ? world.gateways.flatMap((g) => arrival(world, g, scenario)) : []),
    ...(left.edits > 0 ? deeds(world, "edits", scenario.edits ?? []) : []),
    ...(left.disasters > 0 ? deeds(world, "disasters", scenario.disasters ?? []) : []),
    ...(left.backups > 0 ? [backup(world)] : []),
    ...(scenario.disasters && !world.recovery && isStalled(world, scenario) ? [recovery(world)] : []),
  ];
}

function request(world: World): Move {
  const value = `spec:${String(world.left.requests)}`;
  return {
    say: () => `a person requests a rotation (${value})`,
    to: { ...spend(world, "requests"), requests: [value] },
  };
}

/** The container ends and starts again, in the same pod. */
function restart(world: World, g: Gateway, scenario: Scenario): Move[] {
  if (!g.expected || g.phase === "gone" || g.phase === "down") return [];
  const ended: Gateway = { ...omit(g, "ring", "half", "degraded"), phase: "down" };
  const to = knobsOf(scenario).floor ? ended : omit(ended, "floor");
  return [{ say: () => `${g.name}'s container ends`, to: setGateway(spend(world, "restarts"), to) }];
}

/** The pod object goes; behind a partition its process may live on and mint. */
function deletion(world: World, g: Gateway): Move[] {
  if (!g.expected || g.phase === "gone") return [];
  const paid = spend(world, "deletions");
  const dead: Move = { say: () => `${g.name} is deleted and ends`, to: setGateway(paid, empty(g)) };
  if (g.phase !== "ready" || g.half === undefined) return [dead];
  const undead: Gateway = { ...omit(g, "ack", "mount", "mountStaleTick"), expected: false };
  return [{ say: () => `${g.name} is deleted by force, its process lives on`, to: setGateway(paid, undead) }, dead];
}

/** A new pod in an empty place. */
function arrival(world: World, g: Gateway, scenario: Scenario): Move[] {
  if (g.expected || g.phase !== "gone") return [];
  const pod: Gateway = { ...g, expected: true, phase: "down" };
  const appears = (mounted: Gateway, how: string): Move => ({
    say: () => `${g.name} appears${how}`,
    to: setGateway(spend(world, "arrivals"), mounted),
  });
  if (!hasMount(pod, scenario)) return [appears(pod, "")];
  const copies = scenario.cachedMounts === true ? world.gateways.flatMap(({ mount }) => mount ?? []) : [];
  const older = [...new Set(copies)].filter((mount) => mount !== inApi(world, pod));
  return [
    appears(syncMount(world, pod) ?? pod, ""),
    ...older.map((mount) =>
      appears({ ...pod, mount }, `, mounted from the kubelet's copy of generation ${short(mount)}`),
    ),
  ];
}

function deeds(world: World, budget: "edits" | "disasters", list: readonly Deed[]): Move[] {
  return list.flatMap(({ name, apply }) => {
    const to = apply(world);
    return to ? [{ say: () => `a person ${name}`, to: spend(to, budget) }] : [];
  });
}

const backup = (world: World): Move => ({
  say: () => "a backup is taken of all three objects",
  to: backedUp(spend(world, "backups")),
});

const recovery = (world: World): Move => ({
  say: () => "a person requests a recovery",
  to: recovering(world),
});
