// kubectl krew's plugin: `node hack/krew.ts URL` makes dist/krew of dist/bundle: the archive, which is to lie at that address, and the manifest.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { buildOf } from "../src/cli/build.ts";
import { cacheFolder, madeOnce, runGo, type Say } from "./go.ts";
import { root } from "./run.ts";
import { programOnPath } from "./testcluster/build.ts";

const krewVersion = "v0.4.3";

/** Why there is no krew here and none can be built, in one line, or undefined. Quick: nothing is built. */
export function krewNeeds(): string | undefined {
  return programOnPath("go") === undefined ? "no krew: install Go" : undefined;
}

/** Paths of krew, and of what its index checks manifests with; built once, into the cache: a minute on two cores. */
export async function krewPrograms(say: Say): Promise<Readonly<Record<"krew" | "validate", string>>> {
  const build = (name: string): Promise<string> => {
    const make = (output: string): Promise<void> => {
      const args = ["install", "-trimpath", "-v", `sigs.k8s.io/krew/cmd/${name}@${krewVersion}`];
      const progress = (compiled: number): string => `compiled ${compiled} packages`;
      return runGo({ what: name, args, env: { GOBIN: dirname(output) }, progress }, say);
    };
    const path = join(cacheFolder(), `krew-${krewVersion}`, name);
    return madeOnce({ path, name: `${name} ${krewVersion}`, make }, say);
  };
  return { krew: await build("krew"), validate: await build("validate-krew-manifest") };
}

interface KrewRelease {
  /** Of Keyturn, without a v. */
  readonly version: string;
  /** Where the archive lies. */
  readonly uri: string;
  /** Of the archive, in hexadecimal. */
  readonly sha256: string;
}

/** Of the file in the bundle that is the program. */
const program = "keyturn.cjs";

/** What a release has of the plugin, both by their names there. */
export const krewFiles = { archive: "kubectl-keyturn.tar.gz", manifest: "keyturn.yaml" };

/**
 * The manifest of the plugin, for the index or for `krew install --manifest`.
 *
 * @see https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
 */
export function krewManifest({ version, uri, sha256 }: KrewRelease): string {
  const platform = { uri, sha256, bin: program, files: [{ from: "*", to: "." }] };
  const machines = [
    ["linux", "amd64"],
    ["linux", "arm64"],
    ["darwin", "amd64"],
    ["darwin", "arm64"],
  ];
  return stringify(
    {
      apiVersion: "krew.googlecontainertools.github.com/v1alpha2",
      kind: "Plugin",
      metadata: { name: "keyturn" },
      spec: {
        version: `v${version}`,
        homepage: "https://github.com/keyturn/keyturn",
        shortDescription: "Look after the keys that sign JWTs",
        description:
          "Shows how the JwtKeyRotations of a cluster are doing, what comes next and what it waits for;\nrotates, rolls back, revokes and recovers keys. Begin with: kubectl keyturn status -A\n",
        caveats: "Needs Node.js 22.18 or newer in the PATH, and Keyturn in the cluster.\n",
        platforms: machines.map(([os, arch]) => ({ selector: { matchLabels: { os, arch } }, ...platform })),
      },
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

/** Packs a bundle into one archive without folders; returns its SHA-256. */
export async function krewArchive(bundle: string, archive: string): Promise<string> {
  await copyFile(join(root, "LICENSE"), join(bundle, "LICENSE"));
  await promisify(execFile)("tar", ["--create", "--gzip", "--file", archive, "--directory", bundle, "."]);
  return createHash("sha256")
    .update(await readFile(archive))
    .digest("hex");
}

if (import.meta.main) {
  const [uri] = process.argv.slice(2);
  if (uri === undefined) throw new Error("Cannot make the plugin: the address of its archive must be given");
  const { version } = buildOf();
  const bundle = join(root, "dist/bundle");
  if (!existsSync(join(bundle, program)))
    throw new Error("Cannot make the plugin: there is no bundle; npm run bundle makes it");
  const folder = join(root, "dist/krew");
  await mkdir(folder, { recursive: true });
  const sha256 = await krewArchive(bundle, join(folder, krewFiles.archive));
  await writeFile(join(folder, krewFiles.manifest), krewManifest({ version, uri, sha256 }));
  console.log(`${folder} has the archive and its manifest`);
}
