import { ApiError } from "../../../hack/testcluster/client.ts";
import type { Trouble } from "../schedule.ts";
import type { ClusterWorld } from "../world/cluster.ts";
import { spec } from "../world/settings.ts";
import { insist } from "../world/until.ts";

type T = Trouble<ClusterWorld>;

/** A spec has room for 64; those of long ago are past. */
const revokedAtMost = 10;

/** What is refused when it is applied does no harm. @returns whether it was taken */
async function tryTo(world: ClusterWorld, change: Readonly<Record<string, unknown>>): Promise<boolean> {
  try {
    await world.edit(change);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    world.diary.note(`the API server refuses it: ${error.message}`);
    return false;
  }
}

/** For a while another spec, then the old one. */
const edited = (
  name: string,
  change: Readonly<Record<string, unknown>>,
  back: Readonly<Record<string, unknown>>,
): T => ({
  name,
  befalls: ["spec"],
  lastsMs: [3000, 20_000],
  begin: async (world) => {
    const isTaken = await tryTo(world, change);
    return async () => {
      if (isTaken) await world.edit(back);
    };
  },
});

async function kidOf(world: ClusterWorld, state: string): Promise<string | undefined> {
  const { status } = await insist(() => world.status());
  return status.keys?.find((key) => key.state === state)?.kid;
}

const revoked = (name: string, state: string): T => ({
  name,
  befalls: ["revocations"],
  lastsMs: [0, 10_000],
  begin: async (world) => {
    const kid = await kidOf(world, state);
    if (kid !== undefined) {
      world.diary.note(`${kid} is revoked`);
      world.ledger.revoking(kid);
      const revokedKids = [...world.revokedKids.slice(1 - revokedAtMost), { kid, reason: "soak" }];
      await world.edit({ revokedKids });
    }
    return async () => undefined;
  },
});

/** What people do, right or wrong. */
export const peopleTroubles: readonly T[] = [
  edited(
    "bad schedule",
    { rotation: { interval: null, schedule: "99 3 * * *" } },
    {
      rotation: { ...spec.rotation, schedule: null },
    },
  ),
  edited("suspended", { suspend: true }, { suspend: false }),
  edited("another algorithm", { algorithm: "EdDSA" }, { algorithm: "ES256" }),
  revoked("signer revoked", "Active"),
  revoked("retiring key revoked", "VerifyOnly"),
  {
    name: "rotation requested",
    befalls: [],
    lastsMs: [0, 5000],
    begin: async (world, chance) => {
      const { rotation = {} } = world.desired as { rotation?: object };
      await world.edit({ rotation: { ...rotation, requestID: `soak-${chance.between(1, 1_000_000_000)}` } });
      return async () => undefined;
    },
  },
  {
    name: "rolled back",
    befalls: ["spec", "revocations"],
    lastsMs: [5000, 20_000],
    begin: async (world) => {
      const kid = await kidOf(world, "VerifyOnly");
      const isTaken = kid !== undefined && (await tryTo(world, { activeKid: kid }));
      return async () => {
        if (isTaken) await world.edit({ activeKid: null });
      };
    },
  },
];
