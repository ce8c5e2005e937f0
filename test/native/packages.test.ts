import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { installedNatives, packNative, withNatives } from "../../hack/native-packages.ts";
import { ensureNative, nativeBuildMs, nativeNeeds } from "../../hack/native.ts";
import manifest from "../../package.json" with { type: "json" };
import { signaturesHere } from "../../src/cli/native-library.ts";
import { type Machine, nativePackage } from "../../src/native/load.ts";

const execute = promisify(execFile);
const missing = nativeNeeds();
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyturn-native-package-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the package of native signatures for this machine", () => {
  let library = "";

  beforeAll(async () => {
    if (missing === undefined) ({ library } = await ensureNative(() => undefined));
  }, nativeBuildMs);

  beforeEach((context) => {
    if (missing !== undefined) context.skip(missing);
  });

  test("is one that npm installs here, that the program finds, and that brings its licences", async () => {
    const packed = await packNative(join(folder, "packed"), { library, libc: "gnu" });
    const { stdout } = await execute("npm", ["pack", packed, "--json"], { cwd: folder });
    const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: readonly { path: string }[] }];
    expect(files.map(({ path }) => path)).toEqual(["LICENSES", "package.json", "signatures.node"]);
    await writeFile(join(folder, "package.json"), "{}");
    await execute("npm", ["install", "--offline", "--no-audit", "--no-fund", filename], { cwd: folder });
    expect(signaturesHere(undefined, pathToFileURL(join(folder, "main.js")).href).name).toBe("native");
    const [native] = await installedNatives(join(folder, "node_modules"));
    expect(native?.machine).toEqual({ platform: process.platform, arch: process.arch });
    const licences = await readFile(native?.licences ?? "", "utf8");
    for (const name of ["aws-lc-rs", "aws-lc-sys", "napi", "base64"])
      expect(licences).toMatch(new RegExp(`^${name} \\d`, "m"));
    expect(licences).toContain("Copyright Amazon.com");
  });
});

describe("installed packages", () => {
  const x64: Machine = { platform: "linux", arch: "x64" };
  const arm64: Machine = { platform: "linux", arch: "arm64" };

  async function modulesWith(...packages: readonly (readonly [name: string, version: string])[]): Promise<string> {
    const modules = await mkdtemp(join(folder, "modules-"));
    for (const [name, version] of packages) {
      await mkdir(join(modules, name), { recursive: true });
      await writeFile(join(modules, name, "package.json"), JSON.stringify({ version }));
    }
    return modules;
  }

  const { version } = manifest;

  test("are taken one for each machine, of glibc where there are both", async () => {
    const names = [
      nativePackage("musl", x64),
      nativePackage("gnu", x64),
      nativePackage("musl", arm64),
      "@keyturn/client",
    ];
    const modules = await modulesWith(...names.map((name) => [name, version] as const));
    expect(await installedNatives(modules)).toEqual([
      {
        machine: x64,
        library: join(modules, "@keyturn/native-linux-x64-gnu/signatures.node"),
        licences: join(modules, "@keyturn/native-linux-x64-gnu/LICENSES"),
      },
      {
        machine: arm64,
        library: join(modules, "@keyturn/native-linux-arm64-musl/signatures.node"),
        licences: join(modules, "@keyturn/native-linux-arm64-musl/LICENSES"),
      },
    ]);
  });

  test("are none where nothing is installed", async () => {
    expect(await installedNatives(join(folder, "nowhere"))).toEqual([]);
  });

  test("must be of this version", async () => {
    const modules = await modulesWith([nativePackage("gnu", x64), "0.0.1"]);
    await expect(installedNatives(modules)).rejects.toThrow(`must be of version ${version}, is 0.0.1`);
  });
});

describe("package.json", () => {
  test("asks for no native package in the tree, where npm ci would look for it", () => {
    expect(Object.keys(manifest.optionalDependencies)).toEqual(["@kubernetes/client-node"]);
  });

  test("asks for all of its own version where it is published", () => {
    const { optionalDependencies, ...rest } = withNatives(manifest);
    expect(optionalDependencies).toEqual({
      ...manifest.optionalDependencies,
      "@keyturn/native-linux-x64-gnu": manifest.version,
      "@keyturn/native-linux-x64-musl": manifest.version,
      "@keyturn/native-linux-arm64-gnu": manifest.version,
      "@keyturn/native-linux-arm64-musl": manifest.version,
    });
    expect({ ...rest, optionalDependencies: manifest.optionalDependencies }).toEqual(manifest);
  });
});
