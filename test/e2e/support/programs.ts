import { join } from "node:path";
import { build } from "esbuild";

const folder = join(import.meta.dirname, "..", "workload");

/** What runs in the pods, a file each with all that it imports. */
export async function bundlePrograms(): Promise<Readonly<Record<string, string>>> {
  const { outputFiles } = await build({
    entryPoints: {
      app: join(folder, "app.ts"),
      caller: join(folder, "caller.ts"),
      client: join(folder, "client.ts"),
      ledger: join(folder, "ledger.ts"),
      renewer: join(folder, "renewer.ts"),
      talker: join(folder, "talker.ts"),
    },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node24",
    minify: true,
    legalComments: "none",
    // What is CommonJS asks for Node.js' own modules that way
    banner: {
      js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
    },
  });
  return Object.fromEntries(outputFiles.map(({ path, text }) => [path.slice(folder.length + 1), text]));
}
