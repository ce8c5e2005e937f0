import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder, type Say } from "../testcluster/build.ts";

const exec = promisify(execFile);

/** Runs docker and returns what it said. @throws Error with its last lines */
export async function docker(...args: readonly string[]): Promise<string> {
  // The classic builder is everywhere; buildx is a package of its own
  const env = { ...process.env, DOCKER_BUILDKIT: process.env["DOCKER_BUILDKIT"] ?? "0" };
  try {
    return (await exec("docker", args, { env, maxBuffer: 1 << 26 })).stdout.trim();
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
    throw new Error(`Cannot run docker ${args[0] ?? ""}: ${said.trimEnd().split("\n").slice(-8).join("\n")}`, {
      cause: error,
    });
  }
}

const hasImage = (tag: string): Promise<boolean> =>
  docker("image", "inspect", tag).then(
    () => true,
    () => false,
  );

let answered: Promise<boolean> | undefined;

/** True where images can be pulled: asked once, by pulling the small one that the node is made of. */
export function registryAnswers(): Promise<boolean> {
  answered ??= docker("pull", "--quiet", registryBase).then(
    () => true,
    () => false,
  );
  return answered;
}

/** What our images stand on where a registry answers. */
export const registryBase = "debian:bookworm-slim";

/** A tag that changes with every part of the image's recipe. */
export function keyedTag(name: string, ...parts: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(createHash("sha256").update(part).digest());
  return `${name}:${hash.digest("hex").slice(0, 16)}`;
}

/** Hands over a folder of the cache that is gone afterwards. */
export async function inScratch<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const parent = join(cacheFolder(), "scratch");
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, "image-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes an image of a root file system: `tar | docker import`. */
export async function importFolder(folder: string, tag: string, change: readonly string[] = []): Promise<void> {
  const changes = change.flatMap((each) => ["--change", each]);
  const pack = spawn("tar", ["-C", folder, "--numeric-owner", "-c", "."], { stdio: ["ignore", "pipe", "inherit"] });
  const take = spawn("docker", ["import", ...changes, "-", tag], { stdio: [pack.stdout, "ignore", "inherit"] });
  // Not "close": the end of the pipe between them is nobody's here
  const codes = await Promise.all([pack, take].map(async (child) => (await once(child, "exit"))[0] as unknown));
  if (codes.some((code) => code !== 0)) throw new Error(`Cannot import ${tag}: tar and docker import must succeed`);
}

/** Makes the image unless it is there, and lets go of those that earlier recipes made. */
export async function ensureImage(tag: string, say: Say, make: () => Promise<void>): Promise<string> {
  if (await hasImage(tag)) return tag;
  say(`Making image ${tag}`);
  const startedAt = performance.now();
  await make();
  say(`Made ${tag} in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  await removeOthers(tag);
  return tag;
}

/** One that something still stands on stays: the engine refuses. */
async function removeOthers(tag: string): Promise<void> {
  const [name = ""] = tag.split(":");
  const listed = await docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name);
  const others = listed.split("\n").filter((each) => each !== "" && each !== tag);
  for (const other of others) await docker("image", "rm", other).catch(() => undefined);
}
