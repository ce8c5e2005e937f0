import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { expect, inject } from "vitest";
import { root } from "../../../../hack/run.ts";
import { makeFolder } from "./person.ts";

/** A page whose commands are typed into a shell that has `kubectl` and `keyturn`, as a person has them on the PATH. */
export interface TypedPage {
  readonly text: string;
  /** Where they are typed. */
  readonly folder: string;
  /** The `sh` blocks below a heading of the second level, in their order. */
  readonly blocks: (heading: string) => readonly string[];
  /** Types a block, with the test's own namespace and rotation in the place of `shop` and `gateway`; answers what it wrote. */
  readonly type: (block: string, rotation: string, env?: Readonly<Record<string, string>>) => Promise<string>;
}

export async function openPage(file: string, namespace: string): Promise<TypedPage> {
  const text = await readFile(join(root, file), "utf8");
  const folder = await makeFolder();
  const kubectl = inject("cluster").kubectl ?? ["kubectl"];
  const programs = { kubectl, keyturn: [process.execPath, join(root, "src/cli/main.ts")] };
  for (const [name, command] of Object.entries(programs)) {
    const words = command.map((word) => `"${word}"`).join(" ");
    await writeFile(join(folder, name), `#!/bin/sh\nexec ${words} "$@"\n`);
    await chmod(join(folder, name), 0o755);
  }
  return {
    text,
    folder,
    blocks: (heading) => {
      const [, below = ""] = text.split(`\n## ${heading}\n`);
      const [own = ""] = below.split("\n## ");
      return [...own.matchAll(/```sh\n(.*?)```/gs)].map(([, block = ""]) => block);
    },
    type: async (block, rotation, env = {}) => {
      const mine = block
        .replaceAll("-n shop", `-n ${namespace}`)
        .replaceAll(/(jkr\/|keyturn\.dev\/rotation=|\s)gateway(?=\s)/g, (_, before: string) => `${before}${rotation}`);
      const child = spawn("bash", ["-euo", "pipefail", "-c", mine], {
        cwd: folder,
        env: {
          ...process.env,
          ...env,
          PATH: `${folder}${delimiter}${process.env["PATH"] ?? ""}`,
          KUBECONFIG: inject("cluster").kubeConfigFile,
        },
      });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
      const [code] = (await once(child, "close")) as [number];
      expect(code, `${mine}\n${output}`).toBe(0);
      return output;
    },
  };
}
