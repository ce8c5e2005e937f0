import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { binaryPath, ensureBinary, kubernetesVersion } from "../../hack/testcluster/build.ts";

let folder = "";

/** A `go` that does what a test wants of it instead of compiling Kubernetes; `$output` is where the binary belongs. */
async function standIn(build: string): Promise<void> {
  const script = `#!/bin/sh
echo "$@" >> ${folder}/calls
if [ "$1" = list ]; then echo a; echo b; exit; fi
while [ "$1" != -o ]; do shift; done
output=$2
${build}
`;
  await writeFile(join(folder, "bin/go"), script);
  await chmod(join(folder, "bin/go"), 0o755);
}

const working = "echo k8s.io/a >&2; echo binary > $output; chmod +x $output";
const calls = async (): Promise<string[]> => (await readFile(join(folder, "calls"), "utf8")).trimEnd().split("\n");

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyturn-build-"));
  await mkdir(join(folder, "bin"));
  onTestFinished(() => rm(folder, { recursive: true }));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  vi.stubEnv("PATH", `${join(folder, "bin")}:/usr/bin:/bin`);
});

describe("ensureBinary", () => {
  it("builds into the cache, with the version that the server is to say, and says so", async () => {
    await standIn(working);
    const said: string[] = [];
    const path = await ensureBinary((line) => said.push(line));
    expect(path).toBe(await binaryPath());
    expect(path.startsWith(join(folder, "cache/keyturn/testcluster/"))).toBe(true);
    expect(await readFile(path, "utf8")).toBe("binary\n");
    const version = await kubernetesVersion();
    expect((await calls()).at(-1)).toContain(`-X k8s.io/component-base/version.gitVersion=${version}`);
    expect(said).toEqual([
      expect.stringContaining(`Building Kubernetes ${version} into ${path}`),
      expect.stringMatching(/^Built in \d+ s$/),
    ]);
  });

  it("builds once", async () => {
    await standIn(working);
    await ensureBinary(() => undefined);
    const before = await calls();
    await ensureBinary(() => undefined);
    expect(await calls()).toEqual(before);
  });

  it("leaves one whole binary and nothing else when two build at once", async () => {
    await standIn(working);
    const [one, two] = await Promise.all([ensureBinary(() => undefined), ensureBinary(() => undefined)]);
    expect(one).toBe(two);
    expect(await readdir(dirname(one))).toEqual(["testcluster"]);
    expect(await readFile(one, "utf8")).toBe("binary\n");
  });

  it("says what Go said when it can't, and leaves nothing that looks like a binary", async () => {
    await standIn("echo 'no space left on device' >&2; echo half > $output; exit 1");
    await expect(ensureBinary(() => undefined)).rejects.toThrow(/^Cannot build the control plane: .*\n.*no space left/);
    expect(await readdir(dirname(await binaryPath()))).toEqual([]);
  });
});
