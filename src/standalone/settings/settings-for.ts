import { ChangeNeededError, KeyturnError } from "../../errors/keyturn-error.ts";
import { readIfThere } from "../../files/atomic.ts";
import type { Disk } from "../../files/disk.ts";
import { parseJson } from "../../parse/document.ts";
import { readRotation, type RefusedRotation, type Rotation } from "../../ring/resource/rotation.ts";
import type { Layout } from "../store/layout.ts";
import { readConfig, type Config } from "./config.ts";
import { errorOf, type SettingsRead } from "./effective.ts";
import { readRefused, standIn } from "./refused-config.ts";

/**
 * The config in force, for who only looks: as the process that runs there has it; where that has none, what stands in for it.
 *
 * @param config - Instead of what the process left in rotation.json
 * @throws KeyturnError when there is none, and no ring
 */
export async function settingsFor(
  disk: Disk,
  layout: Layout,
  config: Config | undefined,
): Promise<Pick<SettingsRead, "rotation" | "refused">> {
  const told = config ? undefined : await readRefused(disk, layout);
  const last = await lastConfig(disk, layout, config);
  if (last && "policy" in last && told?.holds !== true) {
    return { rotation: last, ...(told && { refused: told.error }) };
  }
  const broken = last && !("policy" in last) ? last : undefined;
  const why: RefusedRotation | KeyturnError = told?.error ?? broken ?? noRotation(layout);
  const rotation = told || broken ? await standIn(why, disk, layout) : undefined;
  if (!rotation) throw errorOf(why);
  return { rotation };
}

async function lastConfig(
  disk: Disk,
  { rotation: path }: Layout,
  config: Config | undefined,
): Promise<Rotation | RefusedRotation | KeyturnError | undefined> {
  try {
    if (config) return readRotation(await readConfig(config));
    const text = await readIfThere(disk, path);
    if (text === undefined) return undefined;
    const subject = { code: "ConfigUnreadable", action: `Cannot read "${path}"` };
    return readRotation(parseJson(text, { subject, publicOnly: true }).value);
  } catch (error) {
    if (error instanceof KeyturnError) return error;
    throw error;
  }
}

const noRotation = ({ dir }: Layout): ChangeNeededError =>
  new ChangeNeededError(
    "NoRotation",
    `Cannot use directory "${dir}": must hold a rotation, "keyturn standalone" has not run here`,
  );
