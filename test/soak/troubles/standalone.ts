import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Trouble } from "../schedule.ts";
import { configText, type DirectoryWorld } from "../world/directory.ts";
import { spec } from "../world/settings.ts";

type T = Trouble<DirectoryWorld>;

const configured = (name: string, text: string | undefined): T => ({
  name,
  befalls: ["config"],
  lastsMs: [3000, 20_000],
  begin: async (world) => {
    if (text === undefined) await rm(world.config);
    else await world.configure(text);
    return () => world.configure(configText(spec));
  },
});

/** What a person asks for by the tools. */
async function asks(world: DirectoryWorld, ...args: readonly string[]): Promise<boolean> {
  const { code, output } = await world.tool(...args);
  if (code !== 0) world.diary.note(`keyturn ${args.join(" ")} ended with ${code}: ${output}`);
  return code === 0;
}

async function kidOf(world: DirectoryWorld, state: string): Promise<string | undefined> {
  const status = await world.status();
  return typeof status === "string" ? undefined : status.keys.find((key) => key.state === state)?.kid;
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
      if (await asks(world, "revoke", kid, "--reason", "soak")) await world.addRevoked(kid);
    }
    return async () => undefined;
  },
});

const removed = (name: string, folder: "signer" | "public"): T => ({
  name,
  befalls: ["projections"],
  lastsMs: [0, 5000],
  begin: async (world) => {
    await rm(join(world.dir, folder, "..data"), { force: true });
    return async () => undefined;
  },
});

/** Everything that befalls a directory. */
export const standaloneTroubles: readonly T[] = [
  {
    name: "standalone killed",
    befalls: ["program"],
    lastsMs: [0, 10_000],
    begin: async (world) => {
      world.isHeld = true;
      world.standalone?.signal("SIGKILL");
      return async () => {
        world.isHeld = false;
      };
    },
  },
  {
    name: "standalone stopped",
    befalls: ["program"],
    lastsMs: [2000, 20_000],
    begin: async ({ standalone }) => {
      standalone?.signal("SIGSTOP");
      return async () => standalone?.signal("SIGCONT");
    },
  },
  {
    name: "directory gateway killed",
    befalls: [],
    lastsMs: [0, 6000],
    begin: async (world, chance) => {
      const { gateway, giveBack } = world.hold(chance);
      gateway.child?.signal("SIGKILL");
      return async () => giveBack();
    },
  },
  {
    name: "directory gateway stopped",
    befalls: [],
    lastsMs: [2000, 20_000],
    begin: async (world, chance) => {
      const { gateway, giveBack } = world.hold(chance);
      gateway.child?.signal("SIGSTOP");
      return async () => {
        gateway.child?.signal("SIGCONT");
        giveBack();
      };
    },
  },
  {
    name: "directory gateway replaced",
    befalls: ["gateways"],
    lastsMs: [0, 1000],
    begin: async (world, chance) => {
      const { gateway, giveBack } = world.hold(chance);
      await world.addGateway();
      await world.removeGateway(gateway);
      return async () => giveBack();
    },
  },
  configured("config file with a typo", configText({ ...spec, algorithm: "ES265" })),
  configured("config file that is no YAML", "spec: [\n"),
  configured("config file with a bad schedule", configText({ ...spec, rotation: { schedule: "99 3 * * *" } })),
  configured("config file gone", undefined),
  configured("config file with another algorithm", configText({ ...spec, algorithm: "EdDSA" })),
  {
    name: "rotation requested by the tool",
    befalls: [],
    lastsMs: [0, 5000],
    begin: async (world) => {
      await asks(world, "rotate");
      return async () => undefined;
    },
  },
  revoked("signer revoked by the tool", "Active"),
  revoked("retiring key revoked by the tool", "VerifyOnly"),
  {
    name: "rolled back by the tool",
    befalls: ["revocations"],
    lastsMs: [5000, 20_000],
    begin: async (world) => {
      const isTaken = await asks(world, "rollback");
      return async () => {
        if (isTaken) await asks(world, "rollback", "--unpin");
      };
    },
  },
  {
    name: "clock of standalone steps",
    befalls: ["clocks"],
    lastsMs: [3000, 25_000],
    begin: async ({ clock }, chance) => {
      await clock?.set(chance.of([-25, 25]));
      return async () => clock?.set(0);
    },
  },
  removed("signer directory without its link", "signer"),
  removed("public directory without its link", "public"),
];
