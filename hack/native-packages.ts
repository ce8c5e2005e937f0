// The packages that bring native signatures to machines without Rust, named as napi-rs names its own. The release workflow runs this:
//   node hack/native-packages.ts pack LIBRARY LIBC   makes the one for this machine, of what src/native was built to, in dist/native
//   node hack/native-packages.ts depend              has package.json ask for all: only where it is published, so that `npm ci` looks for none
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Libc, libcs, type Machine, nativePackage } from "../src/native/load.ts";
import manifest from "../package.json" with { type: "json" };
import { licencesOf } from "./licences.ts";
import { nativeCrates, type NativeFiles } from "./native.ts";
import { root } from "./run.ts";

/** For which there are packages. */
const machines: readonly Machine[] = ["x64", "arm64"].map((arch) => ({ platform: "linux", arch }));

/** What npm looks at, as it calls the C libraries. */
const npmLibcs: Readonly<Record<Libc, string>> = { gnu: "glibc", musl: "musl" };

/** {@link NativeFiles}, and whose. */
export interface NativeForMachine extends NativeFiles {
  readonly machine: Machine;
}

/**
 * Those that somebody has installed, one for each machine.
 *
 * @param modules - A node_modules
 * @throws Error where one is of another version: it may not be what our TypeScript takes it for
 */
export async function installedNatives(modules = join(root, "node_modules")): Promise<readonly NativeForMachine[]> {
  const scope = await readdir(join(modules, "@keyturn")).catch((): string[] => []);
  const found = machines.flatMap((machine) => {
    const name = libcs
      .map((libc) => nativePackage(libc, machine))
      .find((each) => scope.includes(each.split("/")[1] ?? ""));
    return name === undefined ? [] : [{ machine, folder: join(modules, name) }];
  });
  return Promise.all(
    found.map(async ({ machine, folder }) => {
      // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- written by packNative
      const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as { version?: string };
      if (version !== manifest.version)
        throw new Error(`Cannot use ${folder}: must be of version ${manifest.version}, is ${version ?? "unknown"}`);
      return { machine, library: join(folder, libraryFile), licences: join(folder, licencesFile) };
    }),
  );
}

const libraryFile = "signatures.node";
const licencesFile = "LICENSES";

/** Makes the package for this machine in the folder, and returns its path. */
export async function packNative(folder: string, { library, libc }: { readonly library: string; readonly libc: Libc }) {
  const { platform, arch } = process;
  const name = nativePackage(libc);
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  await copyFile(library, join(path, libraryFile));
  await chmod(join(path, libraryFile), 0o644);
  await writeFile(join(path, licencesFile), await licencesOf(await nativeCrates()));
  const published = {
    ...{ name, version: manifest.version },
    description: `Signatures of Keyturn by AWS-LC, for ${platform}, ${arch}, ${npmLibcs[libc]}`,
    license: manifest.license,
    main: libraryFile,
    files: [libraryFile, licencesFile],
    ...{ os: [platform], cpu: [arch], libc: [npmLibcs[libc]] },
    publishConfig: { access: "public" },
  };
  await writeFile(join(path, "package.json"), json(published));
  return path;
}

/** package.json, with every package as one that a machine may do without. */
export function withNatives<Manifest extends { readonly version: string; readonly optionalDependencies: object }>(
  of: Manifest,
) {
  const names = machines.flatMap((machine) => libcs.map((libc) => nativePackage(libc, machine)));
  const natives = Object.fromEntries(names.map((name) => [name, of.version]));
  return { ...of, optionalDependencies: { ...of.optionalDependencies, ...natives } };
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

if (import.meta.main) {
  const [command, library = "", given] = process.argv.slice(2);
  const libc = libcs.find((each) => each === given);
  if (command === "depend") await writeFile(join(root, "package.json"), json(withNatives(manifest)));
  else if (command === "pack" && libc) console.log(await packNative(join(root, "dist/native"), { library, libc }));
  else throw new Error("Cannot do that: must be pack LIBRARY gnu, pack LIBRARY musl or depend");
}
