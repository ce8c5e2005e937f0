import { chmod, copyFile } from "node:fs/promises";
import { join } from "node:path";
import { natsServer } from "../nats.ts";
import type { Say } from "../testcluster/build.ts";
import { ensureImage, importFolder, inScratch, keyedTag } from "./images.ts";

/** An image with nats-server and nothing else, made where it is missing; returns its name. */
export async function ensureNatsImage(say: Say): Promise<string> {
  const binary = await natsServer(say);
  const tag = keyedTag("keyturn-test/nats", binary);
  return ensureImage(tag, say, () =>
    inScratch(async (folder) => {
      await copyFile(binary, join(folder, "nats-server"));
      // It becomes the root, which every user passes through
      await chmod(folder, 0o755);
      await importFolder(folder, tag, ['ENTRYPOINT ["/nats-server"]']);
    }),
  );
}
