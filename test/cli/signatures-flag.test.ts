import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ensureNative, nativeBuildMs, nativeNeeds } from "../../hack/native.ts";
import { signaturesHere } from "../../src/cli/native-library.ts";
import { nativePackage } from "../../src/native/load.ts";
import { tempDir } from "../files/temp.ts";
import { FakeCli } from "./around.ts";

/** A program with these packages beside it: its URL. */
async function programWith(packages: Readonly<Record<string, (library: string) => Promise<unknown>>>): Promise<string> {
  const dir = await tempDir();
  for (const [name, put] of Object.entries(packages)) {
    const folder = join(dir, "node_modules", name);
    await mkdir(folder, { recursive: true });
    await put(join(folder, "signatures.node"));
  }
  return pathToFileURL(join(dir, "dist/cli/main.js")).href;
}

const [gnu, musl] = [nativePackage("gnu"), nativePackage("musl")];
const broken = (path: string): Promise<void> => writeFile(path, "no library");

describe("--signatures, where the program brings none that load", () => {
  test.each([
    ["none", {}],
    ["a broken one", { [gnu]: broken }],
  ])("%s: node:crypto's unless native ones are asked for", async (_, packages) => {
    const from = await programWith(packages);
    expect(signaturesHere(undefined, from).name).toBe("node:crypto");
    expect(signaturesHere("node", from).name).toBe("node:crypto");
    expect(() => signaturesHere("native", from)).toThrow(
      /^Cannot use --signatures "native": must be "node" on this machine, /,
    );
  });
});

describe("--signatures, where a package fits", () => {
  const missing = nativeNeeds();
  let library = "";

  beforeAll(async () => {
    if (missing === undefined) ({ library } = await ensureNative(() => undefined));
  }, nativeBuildMs);

  beforeEach((context) => {
    if (missing !== undefined) context.skip(missing);
  });

  const good = (path: string): Promise<void> => cp(library, path);

  test.each([
    ["it is there", () => ({ [gnu]: good })],
    ["it is the second one", () => ({ [musl]: good })],
    ["the first one does not load", () => ({ [gnu]: broken, [musl]: good })],
  ])("%s: native unless node:crypto's are asked for", async (_, packages) => {
    const from = await programWith(packages());
    expect(signaturesHere(undefined, from).name).toBe("native");
    expect(signaturesHere("native", from).name).toBe("native");
    expect(signaturesHere("node", from).name).toBe("node:crypto");
  });
});

describe("keyturn", () => {
  test.each(["gateway", "issuer", "standalone"])("%s refuses signatures of others", async (command) => {
    const cli = new FakeCli();
    expect(await cli.run(command, "--signatures", "openssl")).toBe(2);
    expect(cli.io.err.text).toContain('Cannot use --signatures "openssl": must be native, node');
  });
});
