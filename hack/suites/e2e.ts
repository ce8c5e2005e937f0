import { engineNeeds, ensureEngine } from "../docker/engine.ts";
import { helmNeeds } from "../helm.ts";
import { binaryPath, isExecutable, programOnPath } from "../testcluster/build.ts";
import type { Outcome } from "../verdict.ts";
import type { Stage } from "./stage.ts";
import { runProject } from "./vitest.ts";

/** Why real pods can't run here, in one line, or undefined. Quick: nothing is installed, built or started. */
export async function e2eNeeds(): Promise<string | undefined> {
  // What is built of Go on this machine runs in a container on this machine
  if (process.platform !== "linux") return `needs Linux, and this is ${process.platform}`;
  const hasNode = isExecutable(await binaryPath()) || programOnPath("go") !== undefined;
  const go = hasNode ? undefined : "no control plane is built yet, and no go on PATH to build it";
  return (await engineNeeds()) ?? helmNeeds() ?? go;
}

/** An engine that could be installed, but does not come up (a container that may not start others), is no failure of ours. */
export async function runE2e(stage: Stage): Promise<Outcome> {
  const engine = await ensureEngine(stage.say).catch((error: unknown) => String(error));
  if (typeof engine === "string") return { ran: false, reason: engine };
  try {
    return await runProject("e2e", stage);
  } finally {
    await engine.stop();
  }
}
