import { readIfThere, removeIfThere, replaceFile } from "../../files/atomic.ts";
import type { Disk, Reader } from "../../files/disk.ts";
import { readDataDir } from "../../files/read-data-dir.ts";
import { decodeKeyRing } from "../../ring/codec.ts";
import { ChangeNeededError, KeyturnError } from "../../errors/keyturn-error.ts";
import type { RotationRef } from "../../ring/ring.ts";
import { readRotation, type RefusedRotation } from "../../ring/resource/rotation.ts";
import { modes, type Layout } from "../store/layout.ts";
import { readRingFile } from "../store/ring-dir.ts";
import { parseJson } from "../../parse/document.ts";

/** What the running process tells the tools of a config that it refuses. */
export interface RefusedConfig {
  /** As the process has it in its log. */
  readonly error: ChangeNeededError;
  /** No config is in force: only emergencies are carried out, by the settings that the ring has stored. */
  readonly holds: boolean;
}

const subject = { code: "ConfigUnreadable", action: "Cannot read refused.json" };

/** Undefined when nothing is refused, or what is can't be read: it is a remark, and must not be in anybody's way. */
export async function readRefused(disk: Reader, { refused: path }: Layout): Promise<RefusedConfig | undefined> {
  const text = await readIfThere(disk, path);
  if (text === undefined) return undefined;
  try {
    const fields = parseJson(text, { subject, publicOnly: true }).fields();
    const [code, message] = [fields.at("reason").text(64), fields.at("message").freeText(1, 32_768)];
    return { error: new ChangeNeededError(code, message), holds: fields.at("holds").value === true };
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

/** Leaves word, or takes it back. */
export async function writeRefused(
  disk: Disk,
  { refused: path }: Layout,
  refused: { readonly error: KeyturnError; readonly holds: boolean } | undefined,
): Promise<void> {
  const before = await readIfThere(disk, path);
  if (refused === undefined) {
    if (before !== undefined) await removeIfThere(disk, path);
    return;
  }
  const { code: reason, message } = refused.error;
  const text = `${JSON.stringify({ reason, message, holds: refused.holds }, undefined, 2)}\n`;
  if (text !== before) await replaceFile(disk, path, { text, mode: modes.secretFile });
}

/**
 * What is obeyed of a config that can't be used where none before it is known: the emergency in it, for the ring that is in
 * the directory. Undefined when there is no ring.
 */
export async function standIn(
  refused: RefusedRotation | KeyturnError,
  disk: Reader,
  layout: Layout,
): Promise<RefusedRotation | undefined> {
  const ref = await nameInRing(disk, layout);
  if (ref === undefined) return undefined;
  const nothing = readRotation(undefined);
  if (!("refused" in nothing)) throw new TypeError("Cannot stand in: nothing was read as a rotation");
  return refused instanceof KeyturnError ? { ...nothing, ref, refused } : { ...refused, ref };
}

/** Whose ring it is, by the first of the three objects that says so. */
export async function nameInRing(disk: Reader, layout: Layout): Promise<RotationRef | undefined> {
  const texts = [
    async () => ["ring", (await readRingFile(disk, layout.ring))?.text] as const,
    ...(["signer", "public"] as const).map((object) => async () => {
      const found = await readDataDir(disk, layout[object]);
      return [object, found.kind === "data" ? found.files["keyring.json"] : undefined] as const;
    }),
  ];
  for (const read of texts) {
    const [object, text] = await read().catch(() => ["ring", undefined] as const);
    const rotation = text === undefined ? undefined : rotationOf(text, object);
    if (rotation) return rotation;
  }
  return undefined;
}

function rotationOf(text: string, object: Parameters<typeof decodeKeyRing>[1]): RotationRef | undefined {
  try {
    return decodeKeyRing(text, object).ring.rotation;
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}
