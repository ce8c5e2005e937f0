import type { WireState } from "../programs/wire.ts";
import type { Trouble } from "../schedule.ts";
import type { ClusterWorld } from "../world/cluster.ts";
import type { Controller } from "../world/controller.ts";

type T = Trouble<ClusterWorld>;

/** What befalls whoever leads. */
const toLeader = (name: string, lastsMs: T["lastsMs"], doIt: (leader: Controller) => () => void): T => ({
  name,
  befalls: ["controllers"],
  lastsMs,
  begin: async (world) => {
    const leader = await world.leader();
    world.diary.note(`${name}: it is ${leader.name}`);
    const end = doIt(leader);
    return async () => end();
  },
});

const killed = (controller: Controller): (() => void) => {
  controller.isHeld = true;
  controller.child?.signal("SIGKILL");
  return () => {
    controller.isHeld = false;
  };
};

const stopped = ({ child }: Controller): (() => void) => {
  child?.signal("SIGSTOP");
  return () => child?.signal("SIGCONT");
};

const wired =
  (state: WireState) =>
  ({ wire }: Controller): (() => void) => {
    wire.set(state);
    return () => wire.set("whole");
  };

const toBoth = (name: string, lastsMs: T["lastsMs"], doIt: (one: Controller) => () => void): T => ({
  name,
  befalls: ["controllers"],
  lastsMs,
  begin: async ({ controllers }) => {
    const ends = controllers.map(doIt);
    return async () => {
      for (const end of ends) end();
    };
  },
});

/** More than a Lease lasts, or less. */
const aWhile: T["lastsMs"] = [3000, 25_000];

export const controllerTroubles: readonly T[] = [
  toLeader("controller killed", [1000, 10_000], killed),
  toLeader("controller stopped", aWhile, stopped),
  toLeader("controller cut off", aWhile, wired("cut")),
  toLeader("controller slow", aWhile, wired("slow")),
  toLeader("controller swallowed", aWhile, wired("swallows")),
  toBoth("both controllers killed", [1000, 10_000], killed),
  toBoth("both controllers swallowed", aWhile, wired("swallows")),
  {
    name: "clocks of the controllers apart",
    befalls: ["controllers", "clocks"],
    lastsMs: aWhile,
    begin: async ({ controllers }, chance) => {
      const [first, second] = chance.shuffled(controllers);
      await first?.clock?.set(12);
      await second?.clock?.set(-12);
      return async () => {
        await first?.clock?.set(0);
        await second?.clock?.set(0);
      };
    },
  },
  {
    name: "clock of a controller steps",
    befalls: ["controllers", "clocks"],
    lastsMs: aWhile,
    begin: async (world, chance) => {
      const leader = await world.leader();
      await leader.clock?.set(chance.of([-25, 25]));
      return async () => leader.clock?.set(0);
    },
  },
];

/** What befalls one gateway; another trouble of this kind takes another. */
const toGateway = (name: string, lastsMs: T["lastsMs"], begin: T["begin"]): T => ({
  name,
  befalls: [],
  lastsMs,
  begin,
});

/** What makes or removes pods, too: not while etcd forgets some. */
const toPods = (name: string, lastsMs: T["lastsMs"], begin: T["begin"]): T => ({
  name,
  befalls: ["pods"],
  lastsMs,
  begin,
});

const wiredGateway = (name: string, state: WireState, alsoKilled = false): T =>
  toGateway(name, aWhile, async (world, chance) => {
    const { pod, giveBack } = world.take(chance);
    world.diary.note(`${name}: it is ${pod.name}`);
    pod.wire.set(state);
    if (alsoKilled) pod.gateway.child?.signal("SIGKILL");
    return async () => {
      pod.wire.set("whole");
      giveBack();
    };
  });

export const gatewayTroubles: readonly T[] = [
  toGateway("gateway killed", [500, 6000], async (world, chance) => {
    const { pod, giveBack } = world.take(chance);
    world.diary.note(`gateway killed: it is ${pod.name}`);
    pod.isHeld = true;
    pod.gateway.isRouted = false;
    pod.gateway.child?.signal("SIGKILL");
    return async () => {
      pod.isHeld = false;
      giveBack();
    };
  }),
  toGateway("gateway stopped", [2000, 15_000], async (world, chance) => {
    const { pod, giveBack } = world.take(chance);
    world.diary.note(`gateway stopped: it is ${pod.name}`);
    pod.gateway.child?.signal("SIGSTOP");
    return async () => {
      pod.gateway.child?.signal("SIGCONT");
      giveBack();
    };
  }),
  toPods("gateway replaced", [0, 1000], async (world, chance) => {
    const { pod, giveBack } = world.take(chance);
    await world.replace(pod);
    return async () => giveBack();
  }),
  wiredGateway("gateway cut off", "cut"),
  wiredGateway("gateway slow", "slow"),
  wiredGateway("gateway swallowed", "swallows"),
  wiredGateway("gateway restarted while cut off", "cut", true),
  toPods("gateway deleted by force", [5000, 30_000], async (world, chance) => {
    const { pod, giveBack } = world.take(chance);
    world.pods = world.pods.filter((one) => one !== pod);
    world.ghosts = [...world.ghosts, pod];
    await pod.removeObject();
    world.diary.note(`${pod.name} was deleted by force, and lives on`);
    await world.addPod();
    return async () => {
      world.ghosts = world.ghosts.filter((one) => one !== pod);
      await pod.end();
      giveBack();
    };
  }),
  toPods("gateway in a crash loop", [5000, 25_000], async (world) => {
    const pod = await world.addPod();
    // Before it is Ready, whenever the kubelet has started it
    const killing = setInterval(() => pod.gateway.child?.signal("SIGKILL"), 700);
    return async () => {
      clearInterval(killing);
      await world.retire(pod);
    };
  }),
  {
    name: "clocks of the gateways apart",
    befalls: ["clocks"],
    lastsMs: aWhile,
    begin: async (world, chance) => {
      const [ahead, behind] = chance.shuffled(world.pods);
      // Each as far from the true time as clockSkew allows
      await ahead?.clock?.set(2);
      await behind?.clock?.set(-2);
      return async () => {
        await ahead?.clock?.set(0);
        await behind?.clock?.set(0);
      };
    },
  },
];
