import {
  acknowledge,
  hasAcked,
  setGateway,
  short,
  start,
  startDegraded,
  startStep,
  takeHalf,
  takeOver,
} from "./gateway.ts";
import { hasMount, syncMount } from "./mount.ts";
import type { Scenario } from "./scenario.ts";
import type { Gateway, Move, World } from "./world.ts";

const sentences: Record<Gateway["phase"], string> = {
  gone: "is gone",
  down: "restarts",
  zeroed: "starts and acks generation 0",
  loaded: "reads the API",
  acked: "acks",
  ready: "reads once more and is Ready",
};

const generationOf = ({ ring }: Gateway): string => (ring ? ` generation ${short(ring)}` : "");

/** Everything that gateways may do next. */
export function gatewayMoves(world: World, scenario: Scenario): Move[] {
  return world.gateways.flatMap((g) => (g.expected && g.phase !== "gone" ? movesOf(world, g, scenario) : []));
}

function movesOf(world: World, g: Gateway, scenario: Scenario): Move[] {
  const loading = { world, gateway: g, scenario };
  const moves: Move[] = [];
  const add = (to: Gateway | undefined, what: (to: Gateway) => string): void => {
    if (to) moves.push({ say: () => `${g.name} ${what(to)}`, to: setGateway(world, to) });
  };
  if (g.phase === "ready") {
    add(takeOver(loading), (to) => `takes over${generationOf(to)}${hasAcked(to) ? " and acks it" : ""}`);
    if (!hasAcked(g)) add(acknowledge(g), (to) => `acks${generationOf(to)}`);
    add(takeHalf(loading), (to) => `signs with ${to.half ?? "nothing"} from now on`);
  } else {
    if (scenario.starts === "steps") add(startStep(loading), (to) => sentences[to.phase] + generationOf(to));
    else add(start(loading), (to) => `starts: Ready with${generationOf(to)}`);
    if (scenario.degraded === true) {
      add(startDegraded(loading), (to) => `can't reach the API: Ready from its mount with${generationOf(to)}`);
    }
  }
  if (hasMount(g, scenario)) add(syncMount(world, g), () => "has its mount refreshed by the kubelet");
  return moves;
}
