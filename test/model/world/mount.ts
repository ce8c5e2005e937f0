import { inApi, load, loadDegraded } from "./gateway.ts";
import { omit } from "./omit.ts";
import { knobsOf, type Scenario } from "./scenario.ts";
import type { Gateway, World } from "./world.ts";

/** Does it matter what the kubelet shows? */
export const hasMount = (gateway: Gateway, scenario: Scenario): boolean =>
  gateway.expected && (gateway.mountOnly || scenario.degraded === true || !knobsOf(scenario).uncachedStart);

/** The kubelet shows the newest. */
export function syncMount(world: World, gateway: Gateway): Gateway | undefined {
  const source = inApi(world, gateway);
  return !source || gateway.mount === source ? undefined : { ...gateway, mount: source };
}

/** Mounts grow old; none grows older than the scenario lets it, and whoever lives by it alone follows. */
export const ageMounts = (world: World, scenario: Scenario): readonly Gateway[] =>
  scenario.mountLag === undefined ? world.gateways : world.gateways.map((g) => aged(world, g, scenario));

function aged(world: World, gateway: Gateway, scenario: Scenario): Gateway {
  const source = inApi(world, gateway);
  if (!hasMount(gateway, scenario) || !source) return gateway;
  const livesByIt = gateway.phase === "ready" && (gateway.mountOnly || gateway.degraded === true);
  const follows = livesByIt && (gateway.ring?.generation ?? 0) < source.generation;
  if (gateway.mount === source && !follows) return omitStale(gateway);
  const since = gateway.mountStaleTick ?? world.tick;
  if (world.tick - since < (scenario.mountLag ?? 0)) return { ...gateway, mountStaleTick: since };
  const synced: Gateway = { ...omit(gateway, "mountStaleTick"), mount: source };
  const loading = { world, gateway: synced, scenario };
  if (follows && gateway.mountOnly) return load(loading, source);
  return follows ? loadDegraded(loading, source) : synced;
}

const omitStale = (gateway: Gateway): Gateway =>
  gateway.mountStaleTick === undefined ? gateway : omit(gateway, "mountStaleTick");
