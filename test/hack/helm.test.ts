import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { helm, helmMajors, helmNeeds } from "../../hack/helm.ts";

let folder = "";

/** A `go` that installs a text as a program, and knows which client-go a Helm has. */
async function standIn(): Promise<void> {
  const script = `#!/bin/sh
echo "$@" >> ${folder}/calls
if [ "$1" = mod ]; then echo '{"GoMod": "${folder}/helm.mod"}'; exit; fi
echo "$@" > "$GOBIN/helm"; chmod +x "$GOBIN/helm"
`;
  await writeFile(join(folder, "helm.mod"), "require (\n\tk8s.io/client-go v0.37.0\n)\n");
  await writeFile(join(folder, "bin/go"), script);
  await chmod(join(folder, "bin/go"), 0o755);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyturn-helm-"));
  await mkdir(join(folder, "bin"));
  onTestFinished(() => rm(folder, { recursive: true }));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  vi.stubEnv("PATH", `${join(folder, "bin")}:/usr/bin:/bin`);
  for (const major of helmMajors) vi.stubEnv(`KEYTURN_HELM${major}`, "");
});

describe("helm", () => {
  it("is built once, into a folder of its version, with the version that it is to say", async () => {
    await standIn();
    const said: string[] = [];
    const path = await helm(4, (line) => said.push(line));
    expect(path).toMatch(/\/cache\/keyturn\/helm-v4\.\d+\.\d+\/helm$/);
    expect(await readFile(path, "utf8")).toMatch(/-X helm\.sh\/helm\/v4\/internal\/version\.version=v4\.\d+\.\d+ /);
    expect(said[0]).toMatch(/^Building Helm v4\.\d+\.\d+ into /);
    const before = await readFile(join(folder, "calls"), "utf8");
    expect(await helm(4)).toBe(path);
    expect(await readFile(join(folder, "calls"), "utf8")).toBe(before);
  });

  it("supposes the Kubernetes of its client-go, which Helm 3 has to be told", async () => {
    await standIn();
    const flags = await readFile(await helm(3), "utf8");
    for (const part of ["pkg/chartutil", "pkg/lint/rules"]) {
      expect(flags).toContain(`-X helm.sh/helm/v3/${part}.k8sVersionMajor=1`);
      expect(flags).toContain(`-X helm.sh/helm/v3/${part}.k8sVersionMinor=37`);
    }
  });

  it("is the one that the environment names, which must be a program", async () => {
    vi.stubEnv("KEYTURN_HELM3", "/bin/sh");
    expect(await helm(3)).toBe("/bin/sh");
    vi.stubEnv("KEYTURN_HELM4", "/nowhere");
    await expect(helm(4)).rejects.toThrow('Cannot use KEYTURN_HELM4: must be a program, is "/nowhere"');
  });
});

describe("helmNeeds", () => {
  it("says what to install or to name, only of what is missing", async () => {
    vi.stubEnv("PATH", join(folder, "bin"));
    expect(helmNeeds()).toBe("no Helm 3 and 4: install Go, or name KEYTURN_HELM3 and KEYTURN_HELM4");
    vi.stubEnv("KEYTURN_HELM4", "/bin/sh");
    expect(helmNeeds()).toBe("no Helm 3: install Go, or name KEYTURN_HELM3");
    await standIn();
    expect(helmNeeds()).toBeUndefined();
  });
});
