// @keyturn/client, ready for `npm publish dist/client`: one file for each entry and module system, without any dependency.
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import manifest from "../package.json" with { type: "json" };
import { clientEntries, clientName } from "./client/entries.ts";
import { clientTypes } from "./client/types.ts";
import { root } from "./run.ts";

const outdir = join(root, "dist/client");
const entryPoints = Object.fromEntries(clientEntries.map(({ file }) => [file, `src/client/${file}.ts`]));

/** Not minified: whoever debugs his service reads it. */
async function bundle(format: "esm" | "cjs"): Promise<void> {
  const { metafile } = await build({
    ...{ entryPoints, outdir, format },
    outExtension: { ".js": format === "esm" ? ".js" : ".cjs" },
    bundle: true,
    platform: "node",
    target: "node22",
    legalComments: "none",
    banner: { js: `// ${clientName} ${manifest.version}, ${manifest.license}` },
    metafile: true,
    logLevel: "warning",
    absWorkingDir: root,
  });
  const foreign = Object.keys(metafile.inputs).filter((path) => !path.startsWith("src/"));
  if (foreign.length > 0)
    throw new Error(`Cannot bundle the client: it must have no dependency, has ${foreign.join(", ")}`);
}

const exportsOf = (file: string): object => ({
  import: { types: `./${file}.d.ts`, default: `./${file}.js` },
  require: { types: `./${file}.d.cts`, default: `./${file}.cjs` },
});

const description =
  "Verifies JSON Web Tokens with keys that rotate: a JWK Set from a URL or a directory, followed as it changes";

const published = {
  name: clientName,
  version: manifest.version,
  description,
  keywords: ["jwt", "jwks", "verify", "key rotation", "keyturn"],
  license: manifest.license,
  type: "module",
  // From where on require() and import find the same
  engines: { node: ">=22.12" },
  sideEffects: false,
  exports: {
    ...Object.fromEntries(clientEntries.map(({ file, as }) => [as, exportsOf(file)])),
    "./package.json": "./package.json",
  },
  publishConfig: { access: "public" },
};

await rm(outdir, { recursive: true, force: true });
await mkdir(outdir, { recursive: true });
const [types] = await Promise.all([clientTypes(), bundle("esm"), bundle("cjs")]);
for (const { file, declarations } of types) {
  for (const extension of ["d.ts", "d.cts"]) await writeFile(join(outdir, `${file}.${extension}`), declarations);
}
await writeFile(join(outdir, "package.json"), `${JSON.stringify(published, undefined, 2)}\n`);
await copyFile(join(root, "src/client/README.md"), join(outdir, "README.md"));
await copyFile(join(root, "LICENSE"), join(outdir, "LICENSE"));
