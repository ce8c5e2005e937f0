import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ensurePrograms } from "../docker/engine.ts";
import {
  ensureImage,
  importFolder,
  inScratch,
  keyedTag,
  docker,
  registryAnswers,
  registryBase,
} from "../docker/images.ts";
import type { Say } from "../testcluster/build.ts";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

const exec = promisify(execFile);

const suite = "bookworm";

/** What a node needs beside the control plane's binary. */
const packages: readonly string[] = [
  "ca-certificates",
  "conntrack",
  "containerd",
  "containernetworking-plugins",
  "iproute2",
  "iptables",
  "kmod",
  "openssl",
  "procps",
  "runc",
];

/** Where this system's own apt finds Debian, so that a mirror that is set there is used here, too. */
async function mirror(): Promise<string> {
  const format = "$(REPO_URI) $(ORIGIN) $(COMPONENT)";
  const listed = await exec("apt-get", ["indextargets", "--format", format, "Identifier: Packages"]).then(
    ({ stdout }) => stdout,
    () => "",
  );
  const found = /^(\S+) Debian main$/m.exec(listed)?.[1];
  return found ?? "http://deb.debian.org/debian";
}

async function bootstrap(tag: string, say: Say): Promise<void> {
  await ensurePrograms({ debootstrap: "debootstrap" }, say);
  await inScratch(async (folder) => {
    const flags = ["--variant=minbase", `--include=${packages.join(",")}`];
    await exec("debootstrap", [...flags, suite, folder, await mirror()], { maxBuffer: 1 << 26 });
    await importFolder(folder, tag);
  });
}

/** The same on what a registry has. */
async function build(tag: string): Promise<void> {
  await inScratch(async (folder) => {
    const install = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(" ")}`;
    const lines = [`FROM ${registryBase}`, `RUN ${install} && rm -rf /var/lib/apt/lists/*`, ""];
    await writeFile(join(folder, "Dockerfile"), lines.join("\n"));
    await docker("build", "--tag", tag, folder);
  });
}

/** The image that a node is made of: Debian and a container runtime. From a registry where one answers, else by debootstrap. */
export async function ensureNodeBase(say: Say): Promise<string> {
  const tag = keyedTag("keyturn-test/node-base", suite, ...packages);
  return ensureImage(tag, say, async () => ((await registryAnswers()) ? build(tag) : bootstrap(tag, say)));
}
