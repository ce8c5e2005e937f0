import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeDisk } from "../../../src/files/disk.ts";
import { DirectoryStore } from "../../../src/standalone/store/directory-store.ts";
import { layoutOf } from "../../../src/standalone/store/layout.ts";
import { describeRingStore } from "../../keeper/support/store-contract.ts";
import { FakeTime } from "../fake-time.ts";
import { tempDir } from "../world.ts";

describeRingStore("a directory", async () => {
  const layout = layoutOf(await tempDir());
  const clock = new FakeTime();
  return {
    rotation: { namespace: "default", name: "gateway" },
    open: () => new DirectoryStore({ disk: nodeDisk(), layout, clock }),
    damage: async (object) => {
      const newest = (await readdir(layout.ring)).sort().at(-1) ?? "";
      const path = object === "ring" ? join(layout.ring, newest) : join(layout[object], "..data", "keyring.json");
      await writeFile(path, "damaged");
    },
  };
});
