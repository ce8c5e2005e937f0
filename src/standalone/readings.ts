import { basename } from "node:path";
import type { Reader } from "../files/disk.ts";
import { RefusedEntryError } from "../files/errors.ts";
import { readDataDir, type DataDir } from "../files/read-data-dir.ts";
import { type DocumentRead, type Opener, readDocument } from "../keeper/document.ts";
import type { Files } from "../files/data-dir.ts";
import type { RingObject } from "../ring/codec.ts";
import type { Algorithm } from "../ring/key.ts";
import type { RotationRef } from "../ring/ring.ts";
import { readPlainKeys } from "./adoption.ts";
import type { Layout } from "./layout.ts";
import { readRingFile } from "./ring-dir.ts";

/** One of the three objects as it stands on the disk. */
export interface ObjectRead extends DocumentRead {
  /** Generation in the ring file's name, 0 when there is none: what the next write follows. */
  readonly fileGeneration: number;
  /** The files of a projection, when they are all there under the names that people see. */
  readonly files?: Files;
}

const nothing = { materials: new Map(), fileGeneration: 0 } satisfies Partial<ObjectRead>;

/** Whose objects these are to be. */
export interface Identity {
  readonly rotation: RotationRef;
  /** The algorithm of new keys. */
  readonly algorithm: Algorithm;
}

export interface ReadingPorts extends Identity {
  readonly disk: Reader;
  readonly opener: Opener;
}

/** The ring object. */
export async function readRing(ports: ReadingPorts, layout: Layout): Promise<ObjectRead> {
  const file = await refusedAsProblem(() => readRingFile(ports.disk, layout.ring));
  if (file === undefined) return { ...nothing, reading: { kind: "absent" } };
  if (typeof file === "string") return { ...nothing, reading: { kind: "foreign", problem: file } };
  const read = await documentOf(ports, file.text, "ring");
  const { reading } = read;
  const fileGeneration = file.generation;
  if (reading.kind === "ring" && reading.ring.generation !== fileGeneration) {
    const problem = `${basename(file.path)} holds generation ${reading.ring.generation}`;
    return { ...nothing, fileGeneration, reading: { kind: "unreadable", problem } };
  }
  return { ...read, fileGeneration };
}

/** A projection. */
export async function readProjection(
  ports: ReadingPorts,
  layout: Layout,
  object: "signer" | "public",
): Promise<ObjectRead> {
  const dir = layout[object];
  const found = await refusedAsProblem(() => readDataDir(ports.disk, dir));
  if (typeof found === "string") return { ...nothing, reading: { kind: "foreign", problem: found } };
  switch (found.kind) {
    case "missing":
      return { ...nothing, reading: { kind: "absent" } };
    case "dangling":
      return { ...nothing, reading: { kind: "unreadable", problem: `..data points to nothing` } };
    case "plain":
      return readPlain(ports, found, { dir, object });
    case "data":
      return readData(ports, found, object);
    default:
      return found satisfies never;
  }
}

async function readData(
  ports: ReadingPorts,
  { files, linked }: Extract<DataDir, { kind: "data" }>,
  object: "signer" | "public",
): Promise<ObjectRead> {
  const text = files["keyring.json"];
  if (text === undefined) return { ...nothing, reading: { kind: "unreadable", problem: "keyring.json is missing" } };
  return { ...(await documentOf(ports, text, object)), ...(linked && { files }) };
}

async function readPlain(
  ports: ReadingPorts,
  { names }: Extract<DataDir, { kind: "plain" }>,
  { dir, object }: { readonly dir: string; readonly object: "signer" | "public" },
): Promise<ObjectRead> {
  if (object === "signer")
    return { ...nothing, ...(await readPlainKeys(ports.disk, { dir, names, algorithm: ports.algorithm })) };
  const problem = `${dir} holds ${names.slice(0, 3).join(", ")} and no ..data`;
  return { ...nothing, reading: { kind: "foreign", problem } };
}

async function documentOf(ports: ReadingPorts, text: string, object: RingObject): Promise<ObjectRead> {
  return { ...nothing, ...(await readDocument(text, { opener: ports.opener, object, rotation: ports.rotation })) };
}

/** Something foreign in our place is a state of the world, not a fault of this pass. */
async function refusedAsProblem<T>(read: () => Promise<T>): Promise<T | string> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof RefusedEntryError) return error.message;
    throw error;
  }
}
