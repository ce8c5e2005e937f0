import type { KubeObject } from "../../../hack/testcluster/client.ts";
import type { Trouble } from "../schedule.ts";
import type { ClusterWorld } from "../world/cluster.ts";
import { acksPath, objectPath } from "../world/site.ts";
import { insist } from "../world/until.ts";

type T = Trouble<ClusterWorld>;
type Role = "ring" | "signer" | "public";

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

/** Deletes the object and makes another in its place, at once: as somebody may who creates and deletes. */
async function swap(world: ClusterWorld, role: Role, made: object): Promise<void> {
  const path = objectPath(role);
  await insist(async () => {
    await world.site.removed(path);
    await world.site.admin.create(folderOf(path), made);
  });
}

const identity = ({ metadata: { name, labels } }: KubeObject): object => ({ name, labels });

const once = (name: string, doIt: (world: ClusterWorld) => Promise<void>): T => ({
  name,
  befalls: ["objects"],
  lastsMs: [0, 8000],
  begin: async (world) => {
    await doIt(world);
    return async () => undefined;
  },
});

const deleted =
  (role: Role): ((world: ClusterWorld) => Promise<void>) =>
  (world) =>
    insist(() => world.site.removed(objectPath(role)));

/** What befalls the three objects and the acks. */
export const objectTroubles: readonly T[] = [
  once("signer Secret deleted", deleted("signer")),
  once("ring Secret deleted", deleted("ring")),
  once("public ConfigMap deleted", deleted("public")),
  once("signer Secret emptied", async (world) => {
    const found = await insist(() => world.site.found(objectPath("signer")));
    if (found) await swap(world, "signer", { metadata: identity(found) });
  }),
  {
    name: "older public ConfigMap put back",
    befalls: ["objects"],
    lastsMs: [5000, 15_000],
    begin: async (world) => {
      const backup = await insist(() => world.site.found(objectPath("public")));
      return async () => {
        if (backup) await swap(world, "public", { metadata: identity(backup), data: backup["data"] });
      };
    },
  },
  {
    name: "public ConfigMap foreign",
    befalls: ["objects"],
    lastsMs: [2000, 15_000],
    begin: async (world) => {
      const { name } = { name: objectPath("public").slice(folderOf(objectPath("public")).length + 1) };
      await swap(world, "public", { metadata: { name }, data: { "app.properties": "somebody else's" } });
      return () => deleted("public")(world);
    },
  },
  once("ack deleted", async (world) => {
    const { items } = await insist(() => world.site.admin.get<{ items: readonly KubeObject[] }>(acksPath));
    const [first] = items;
    if (first) await insist(() => world.site.removed(`${acksPath}/${first.metadata.name}`));
  }),
];
