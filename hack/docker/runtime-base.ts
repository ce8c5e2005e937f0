import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Say } from "../testcluster/build.ts";
import { ensureImage, importFolder, inScratch, keyedTag } from "./images.ts";

const certificates = "/etc/ssl/certs/ca-certificates.crt";

/** The binary of npm's `node` package: the Node.js that all of the tests run on. */
async function nodeBinary(): Promise<string> {
  const { resolve } = createRequire(import.meta.url);
  return realpath(join(dirname(resolve("node/package.json")), "bin", "node"));
}

/** The shared libraries of a program, the loader included, each at the path where the loader looks for it. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)("ldd", [program]);
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = ""]) => path);
}

/**
 * An image with Node.js, the libraries that it needs, and CA certificates, made of what is on this machine: where no
 * registry answers, the bases of Keyturn's Dockerfile (`BASE`, `NODE_IMAGE`) are this one.
 */
export async function ensureRuntimeBase(say: Say): Promise<string> {
  const node = await nodeBinary();
  const files = [...(await librariesOf(node)), certificates];
  const contents = await Promise.all([node, ...files].map((file) => readFile(file)));
  const tag = keyedTag("keyturn-test/runtime-base", ...files, ...contents);
  return ensureImage(tag, say, () =>
    inScratch(async (root) => {
      for (const file of files) await place(file, join(root, file));
      await place(node, join(root, "usr/local/bin/node"));
      await mkdir(join(root, "tmp"), { mode: 0o1777 });
      await mkdir(join(root, "etc"), { recursive: true });
      await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/:\nnonroot:x:65532:65532:nonroot:/:\n");
      await writeFile(join(root, "etc/group"), "root:x:0:\nnonroot:x:65532:\n");
      await importFolder(root, tag, ["ENV PATH=/usr/local/bin"]);
    }),
  );
}

async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}
