import { basename, join } from "node:path";
import { isAdoptable } from "../../crypto/adopt.ts";
import { ourFiles } from "../../crypto/objects.ts";
import type { Reader } from "../../files/disk.ts";
import { RefusedEntryError, unlessMissing } from "../../files/fs-errors.ts";
import { readDataDir, readVersion, type DataDir } from "../../files/read-data-dir.ts";
import { type DocumentRead, type DocumentOpener, readFiles } from "../../keeper/document-read.ts";
import type { RotationIdentity } from "../../keeper/store.ts";
import { versionsIn, type DataFiles } from "../../files/data-dir.ts";
import type { ProjectionName, RingObject } from "../../ring/codec.ts";
import type { Reading } from "../../ring/reading.ts";
import { readPlainKeys } from "./adoption.ts";
import type { Layout } from "./layout.ts";
import { readRingFile, ringFilesBefore, type RingFile } from "./ring-dir.ts";

/** One of the three objects as it stands on the disk. */
export interface DirectoryRead extends DocumentRead {
  /** Generation in the ring file's name, 0 when there is none: what the next write follows. */
  readonly fileGeneration: number;
  /** The files of a projection, when they are all there under the names that people see. */
  readonly files?: DataFiles;
}

const nothing = { materials: new Map(), fileGeneration: 0 } satisfies Partial<DirectoryRead>;

export interface ReadingPorts extends RotationIdentity {
  readonly disk: Reader;
  readonly opener: DocumentOpener;
}

/** The ring object. */
export async function readRing(ports: ReadingPorts, layout: Layout): Promise<DirectoryRead> {
  const file = await refusedAsProblem(() => readRingFile(ports.disk, layout.ring));
  if (file === undefined) return { ...nothing, reading: { kind: "absent" } };
  if (typeof file === "string") return { ...nothing, reading: { kind: "foreign", problem: file } };
  const read = await ringIn(ports, file);
  if (read.reading.kind !== "unreadable") return read;
  return { ...(await withEarlier(read, earlierRings(ports, layout, file))), fileGeneration: file.generation };
}

async function ringIn(ports: ReadingPorts, { generation, path, text }: RingFile): Promise<DirectoryRead> {
  const createdAtMs = (await changedAtMs(ports.disk, path)) ?? 0;
  const read = await projectionIn(ports, { files: { "keyring.json": text }, object: "ring", createdAtMs });
  const { reading } = read;
  if (reading.kind !== "ring" || reading.ring.generation === generation) return { ...read, fileGeneration: generation };
  const problem = `${basename(path)} holds generation ${reading.ring.generation}`;
  return { ...nothing, fileGeneration: generation, reading: { kind: "unreadable", problem } };
}

/** Ring files before the newest one, for who asks to go back to them. */
async function* earlierRings(
  ports: ReadingPorts,
  layout: Layout,
  { generation }: RingFile,
): AsyncGenerator<DirectoryRead> {
  for await (const file of ringFilesBefore(ports.disk, layout.ring, generation)) yield await ringIn(ports, file);
}

/** The unreadable object with the first of these copies that is whole. */
async function withEarlier(
  read: DirectoryRead,
  copies: AsyncIterable<DirectoryRead> | Iterable<DirectoryRead>,
): Promise<DirectoryRead> {
  const { reading } = read;
  if (reading.kind !== "unreadable") return read;
  for await (const { reading: copy, materials } of copies) {
    if (copy.kind !== "ring") continue;
    const left = { verifyOnly: [], ...reading.left, earlier: { ring: copy.ring, halves: copy.halves } };
    return { ...read, reading: { ...reading, left }, materials: new Map([...materials, ...read.materials]) };
  }
  return read;
}

/** A projection. */
export async function readProjection(
  ports: ReadingPorts,
  layout: Layout,
  object: ProjectionName,
): Promise<DirectoryRead> {
  const place = { dir: layout[object], object };
  const found = await refusedAsProblem(() => readDataDir(ports.disk, place.dir));
  if (typeof found === "string") return { ...nothing, reading: { kind: "foreign", problem: found } };
  switch (found.kind) {
    case "missing":
      return readStrays(ports, place, { kind: "absent" });
    case "dangling":
      return readStrays(ports, place, { kind: "unreadable", problem: `..data points to nothing` });
    case "plain":
      return readPlain(ports, found, place);
    case "data":
      return readData(ports, found, place);
    default:
      return found satisfies never;
  }
}

interface ProjectionPlace {
  readonly dir: string;
  readonly object: ProjectionName;
}

/** Where `..data` was lost, as by a backup that knows no links, the versions beside it may be whole. */
async function readStrays(
  ports: ReadingPorts,
  { dir, object }: ProjectionPlace,
  otherwise: Reading,
): Promise<DirectoryRead> {
  const { disk } = ports;
  const strays: DirectoryRead[] = [];
  const versions = versionsIn((await unlessMissing(disk.names(dir))) ?? []);
  for (const version of versions) {
    const files = await refusedAsProblem(() => readVersion(disk, join(dir, version)));
    if (files === undefined || typeof files === "string" || Object.keys(files).length === 0) continue;
    const createdAtMs = (await changedAtMs(disk, join(dir, version))) ?? 0;
    strays.push(await projectionIn(ports, { files, object, createdAtMs }));
  }
  const [first] = strays;
  if (first === undefined) return { ...nothing, reading: otherwise };
  const problem =
    otherwise.kind === "unreadable" ? otherwise.problem : "..data is gone, and what it pointed to is there";
  const left = first.reading.kind === "unreadable" ? first.reading.left : undefined;
  const reading: Reading = { kind: "unreadable", problem, ...(left && { left }) };
  const materials = left ? first.materials : new Map();
  return withEarlier({ ...nothing, materials, reading }, strays);
}

/** Without a document of ours, the files are keys of somebody else's that can be taken over, as the kubelet mounts them; or not. */
async function readData(
  ports: ReadingPorts,
  { files, linked, version }: Extract<DataDir, { kind: "data" }>,
  { dir, object }: ProjectionPlace,
): Promise<DirectoryRead> {
  const names = Object.keys(files);
  const isOurs = names.length === 0 || names.some((name) => ourFiles.includes(name));
  if (object === "signer" && (!isOurs || isAdoptable(files))) {
    const keys = await readPlainKeys(ports.disk, { dir, version, names, algorithm: ports.algorithm });
    return { ...nothing, ...keys };
  }
  const createdAtMs = (await changedAtMs(ports.disk, join(dir, version))) ?? 0;
  return { ...(await projectionIn(ports, { files, object, createdAtMs })), ...(linked && { files }) };
}

/** Plain files are a copy of ours that was made by something that follows links, or somebody else's. */
async function readPlain(
  ports: ReadingPorts,
  { names }: Extract<DataDir, { kind: "plain" }>,
  { dir, object }: ProjectionPlace,
): Promise<DirectoryRead> {
  if (names.includes("keyring.json") && names.every((name) => ourFiles.includes(name))) {
    const files = await refusedAsProblem(() => filesOf(ports.disk, dir, names));
    if (typeof files === "string") return { ...nothing, reading: { kind: "foreign", problem: files } };
    const createdAtMs = (await changedAtMs(ports.disk, join(dir, "keyring.json"))) ?? 0;
    return projectionIn(ports, { files, object, createdAtMs });
  }
  if (object === "signer")
    return { ...nothing, ...(await readPlainKeys(ports.disk, { dir, names, algorithm: ports.algorithm })) };
  const problem = `${dir} holds ${names.slice(0, 3).join(", ")} and no ..data`;
  return { ...nothing, reading: { kind: "foreign", problem } };
}

async function filesOf(disk: Reader, dir: string, names: readonly string[]): Promise<DataFiles> {
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await disk.readText(join(dir, name))] as const)),
  );
}

interface FilesRead {
  readonly files: DataFiles;
  readonly object: RingObject;
  readonly createdAtMs: number;
}

async function projectionIn(ports: ReadingPorts, { files, object, createdAtMs }: FilesRead): Promise<DirectoryRead> {
  const { opener, rotation, algorithm } = ports;
  const context = { createdAtMs, algorithm };
  return { ...nothing, ...(await readFiles(files, { opener, object, rotation, context })) };
}

async function changedAtMs(disk: Reader, path: string): Promise<number | undefined> {
  const found = await unlessMissing(disk.entry(path));
  return found && Math.floor(found.changedAtMs);
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
