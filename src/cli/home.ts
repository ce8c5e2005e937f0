import { stat } from "node:fs/promises";
import { ChangeNeededError } from "../ring/errors.ts";
import { directoryHome } from "../standalone/home.ts";
import type { RingHome } from "../tools/home.ts";
import { UsageError } from "./errors.ts";
import { quoted } from "./flags.ts";
import type { HomeFlags } from "./surroundings.ts";
import type { Clock } from "../standalone/clock.ts";

/** Chooses where the rotation lives: for now a directory. */
export async function openHome({ dir }: HomeFlags, clock: Clock): Promise<RingHome> {
  if (dir === undefined || dir === "") {
    throw new UsageError("Cannot tell which rotation is meant: must have --dir, or KEYTURN_DIR in the environment");
  }
  const found = await stat(dir).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    const is = found ? "is a file" : "is not there";
    throw new ChangeNeededError("NoDirectory", `Cannot use --dir ${quoted(dir)}: must be a directory, ${is}`);
  }
  return directoryHome(dir, { clock });
}
