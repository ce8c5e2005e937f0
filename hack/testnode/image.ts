import { execFile } from "node:child_process";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { docker, ensureImage, importFolder, inScratch, keyedTag } from "../docker/images.ts";
import { binaryPath, ensureBinary, type Say } from "../testcluster/build.ts";
import { ensureNodeBase } from "./base.ts";

const exec = promisify(execFile);
const folder = import.meta.dirname;
const pause = "keyturn-test/pause:local";

/** Saves the image that the pods' sandboxes are made of. */
async function savePause(output: string): Promise<void> {
  await inScratch(async (scratch) => {
    const source = join(folder, "pause", "main.go");
    await exec("go", ["build", "-trimpath", "-ldflags", "-s -w", "-o", join(scratch, "pause"), source], {
      env: { ...process.env, CGO_ENABLED: "0" },
    });
    await importFolder(scratch, pause, ['ENTRYPOINT ["/pause"]']);
  });
  await docker("save", "--output", output, pause);
}

/** The image of a node with its control plane; made where it is missing: a minute or so, and the control plane's binary. */
export async function ensureNodeImage(say: Say): Promise<string> {
  const base = await ensureNodeBase(say);
  const binary = await ensureBinary(say);
  const sources = ["Dockerfile", "entry.sh", "pause/main.go"].map((name) => readFile(join(folder, name)));
  const tag = keyedTag("keyturn-test/node", base, await binaryPath(), ...(await Promise.all(sources)));
  return ensureImage(tag, say, () =>
    inScratch(async (context) => {
      for (const name of ["Dockerfile", "entry.sh"]) await copyFile(join(folder, name), join(context, name));
      await copyFile(binary, join(context, "testcluster"));
      await savePause(join(context, "pause.tar"));
      await docker("build", "--build-arg", `BASE=${base}`, "--tag", tag, context);
    }),
  );
}
