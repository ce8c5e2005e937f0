import { cp, rm } from "node:fs/promises";
import { setTimeout as after } from "node:timers/promises";
import type { Servers } from "../../../hack/testcluster/control-plane.ts";
import type { Trouble } from "../schedule.ts";
import type { ClusterWorld } from "../world/cluster.ts";
import { recoverIfStalled } from "../world/recover.ts";

type T = Trouble<ClusterWorld>;

function serversOf({ site }: ClusterWorld): Servers {
  const { servers } = site.cluster;
  if (servers === undefined) throw new Error("Cannot trouble an API server that is somebody else's");
  return servers;
}

/** Kills API server and etcd, and starts them again after a while. */
async function restart(world: ClusterWorld, meanwhile: () => Promise<void>): Promise<void> {
  const servers = serversOf(world);
  await servers.kill();
  await meanwhile();
  await servers.start();
}

/** What happens to the API server. */
export const serverTroubles: readonly T[] = [
  {
    name: "API server restarted",
    befalls: ["server"],
    lastsMs: [0, 5000],
    begin: async (world) => {
      await restart(world, () => Promise.resolve());
      return async () => undefined;
    },
  },
  {
    name: "API server away",
    befalls: ["server"],
    lastsMs: [0, 0],
    begin: async (world, chance) => {
      await restart(world, () => after(chance.between(5000, 20_000)));
      return async () => undefined;
    },
  },
  {
    name: "etcd stands still",
    befalls: ["server"],
    lastsMs: [0, 0],
    begin: async (world, chance) => {
      await serversOf(world).hold(() => after(chance.between(2000, 12_000)));
      return async () => undefined;
    },
  },
  {
    name: "etcd restored",
    befalls: ["server", "controllers", "pods", "objects", "spec", "revocations"],
    // Between snapshot and restoration
    lastsMs: [5000, 15_000],
    begin: async (world) => {
      const servers = serversOf(world);
      const { data } = servers;
      const snapshot = `${data}-snapshot`;
      await rm(snapshot, { recursive: true, force: true });
      await servers.hold(() => cp(data, snapshot, { recursive: true }));
      world.diary.note("a snapshot of etcd was taken");
      return async () => {
        await restart(world, async () => {
          await rm(data, { recursive: true });
          await cp(snapshot, data, { recursive: true });
        });
        world.diary.note("etcd is as it was at the snapshot");
        await world.reconcilePods();
        await world.applyDesired();
        await recoverIfStalled(world);
      };
    },
  },
];
