// One program without node_modules, for the image: dist/bundle/keyturn.cjs, and the licences of what is in it.
// Beside it compile.cjs, which makes it start faster on the Node.js that runs it, and the protocols of sessions for whoever writes a client.
import { execFile } from "node:child_process";
import { chmod, copyFile, cp, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { build as esbuild, type BuildOptions, type BuildResult, type Plugin } from "esbuild";
import { nativeFile } from "../src/native/load.ts";
import { type Licensed, licencesOf } from "./licences.ts";
import { installedNatives, type NativeForMachine } from "./native-packages.ts";
import { ensureNative, nativeNeeds } from "./native.ts";
import { root } from "./run.ts";

/** Packages that a sidecar has no use for: files of their own, which are read when they are first asked for. */
const apart = [
  "@fastify/rate-limit",
  "@fastify/swagger",
  "@kubernetes/client-node",
  "@nats-io/transport-node",
  "fastify",
  "jose",
  "json-p3",
  "pg",
  "pino-pretty",
  "ws",
  "yaml",
];

/**
 * What commander, prom-client and pino load, and Keyturn never uses: commands in files of their own, an HTTPS client, OpenTelemetry, a
 * log in a thread of its own. A quarter of the memory that a sidecar takes.
 */
const unused =
  /^(?:@opentelemetry\/api|\.\/lib\/(?:pushgateway|cluster)|node:child_process|thread-stream|(?:node:)?worker_threads)$/;

const outdir = join(root, "dist/bundle");
const fileOf = (name: string): string => `${name.replace(/^@/, "").replaceAll("/", "-")}.cjs`;

const apartPlugin: Plugin = {
  name: "apart",
  setup(build) {
    build.onResolve({ filter: /^[@a-z]/ }, ({ path }) =>
      apart.includes(path) ? { path: `./${fileOf(path)}`, external: true } : undefined,
    );
  },
};

const unusedPlugin: Plugin = {
  name: "unused",
  setup(build) {
    build.onResolve({ filter: unused }, ({ path, importer }) =>
      /[\\/]node_modules[\\/](?:commander|prom-client|pino)[\\/]/.test(importer)
        ? { path, namespace: "unused" }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "unused" }, () => ({ contents: "module.exports = {}" }));
  },
};

/** What the gateway's process loads when it begins. */
const ofTheGateway = ["./commands/gateway-command.ts", "./native-library.ts"];
/** What only other commands load. */
const otherCommands = /^src\/(?:controller|standalone|runtime|inject|cluster|issuer|grants|sql)\//;

/** A sidecar's program is read and compiled whole at its start: without the other commands it is half of the size. */
const gatewayAlonePlugin: Plugin = {
  name: "gateway-alone",
  setup(build) {
    build.onResolve({ filter: /^\.\// }, ({ path, kind, importer }) =>
      kind === "dynamic-import" &&
      /[\\/]cli[\\/](?:program|process)\.ts$/.test(importer) &&
      !ofTheGateway.includes(path)
        ? { path, namespace: "unused" }
        : undefined,
    );
    build.onEnd(({ metafile }) => {
      const others = Object.keys(metafile?.inputs ?? {}).filter((path) => otherCommands.test(path));
      if (others.length > 0) throw new Error(`Cannot bundle the gateway alone: it has ${others.join(", ")}`);
    });
  },
};

/** CommonJS: an `import` of a built-in module would load all that it could ever offer, of node:http a WebSocket client. */
const common: BuildOptions & { readonly metafile: true } = {
  outdir,
  outExtension: { ".js": ".cjs" },
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node24",
  // A script of V8 has no import() that is not experimental
  supported: { "dynamic-import": false },
  minify: true,
  keepNames: true,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
  // Of the package.json that stands beside the source
  logOverride: { "empty-import-meta": "silent" },
  absWorkingDir: root,
};

/** Run by hack/bundle/start.ts. Their names have a hash of what is in them: code that was compiled before fits, or has another name. */
const program = {
  ...common,
  // keepNames gives each closure, when it is made, a table of its own of 256 bytes: of an identity of an agent that was half of its memory
  minify: false,
  minifyWhitespace: true,
  minifySyntax: true,
  keepNames: false,
  define: { KEYTURN_BUILD: JSON.stringify(await buildOf()), KEYTURN_FOLDER: "__dirname" },
  entryNames: "[name]-[hash]",
  banner: { js: "(function (require, __filename, __dirname) {" },
  footer: { js: "})" },
};

await rm(outdir, { recursive: true, force: true });
const [all, gateway, ...packages] = await Promise.all([
  esbuild({ ...program, entryPoints: { all: "src/cli/process.ts" }, plugins: [apartPlugin, unusedPlugin] }),
  esbuild({
    ...program,
    entryPoints: { gateway: "src/cli/process.ts" },
    plugins: [apartPlugin, gatewayAlonePlugin, unusedPlugin],
  }),
  esbuild({
    ...common,
    entryPoints: Object.fromEntries(apart.map((name) => [fileOf(name).replace(/\.cjs$/, ""), name])),
  }),
]);
await esbuild({
  ...common,
  entryPoints: { keyturn: "hack/bundle/start.ts", compile: "hack/bundle/compile.ts" },
  define: { KEYTURN_PROGRAMS: JSON.stringify({ all: outputOf(all), gateway: outputOf(gateway) }) },
});
for (const one of [all, gateway]) await mustBeAscii(outputOf(one));
await chmod(join(outdir, "keyturn.cjs"), 0o755);
for (const one of [all, gateway]) await chmod(join(outdir, outputOf(one)), 0o644);
const licences = [await licencesOf(await packagesOf(inputsOf(all, gateway, ...packages)))];
const natives = [...(await installedNatives())];
const isHere = ({ machine: { platform, arch } }: NativeForMachine): boolean =>
  platform === process.platform && arch === process.arch;
if (!natives.some(isHere)) {
  const missing = nativeNeeds();
  if (missing === undefined) natives.push({ machine: process, ...(await ensureNative(console.error)) });
  else if (process.env["KEYTURN_REQUIRE"] === "all") throw new Error(`Cannot bundle native signatures: ${missing}`);
  else console.error(`Without native signatures: ${missing}. Those of node:crypto are slower`);
}
for (const native of natives) {
  const path = join(outdir, nativeFile(native.machine));
  await copyFile(native.library, path);
  await chmod(path, 0o644);
  licences.push(await readFile(native.licences, "utf8"));
}
await writeFile(join(outdir, "LICENSES"), licences.join("\n\n"));
await cp(join(root, "proto"), join(outdir, "proto"), { recursive: true });

function inputsOf(...results: readonly BuildResult<typeof common>[]): readonly string[] {
  return results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
}

/** One character beyond, in a regular expression, has V8 keep each character of the program in two bytes. */
async function mustBeAscii(name: string): Promise<void> {
  const [found] = /.{0,40}[^\0-\x7f]/u.exec(await readFile(join(outdir, name), "utf8")) ?? [];
  if (found !== undefined)
    throw new Error(`Cannot bundle: must be ASCII, write \\u in the place of the last: ${found}`);
}

function outputOf({ metafile }: BuildResult<typeof common>): string {
  const [path] = Object.keys(metafile.outputs);
  if (path === undefined) throw new Error("Cannot bundle: esbuild wrote nothing");
  return basename(path);
}

/** `KEYTURN_COMMIT` stands in for git where there is no repository. */
async function buildOf(): Promise<{ readonly version: string; readonly commit: string }> {
  const { version } = await manifestIn("");
  const given = process.env["KEYTURN_COMMIT"] ?? "";
  if (given !== "") return { version, commit: given };
  const { stdout } = await promisify(execFile)("git", ["rev-parse", "--short=12", "HEAD"], { cwd: root });
  return { version, commit: stdout.trim() };
}

/** Keyturn, and every package that a file in the bundle comes from. */
async function packagesOf(inputs: readonly string[]): Promise<readonly Licensed[]> {
  const folders = new Set(inputs.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
  const all = ["", ...[...folders].sort()];
  return Promise.all(all.map(async (folder) => ({ ...(await manifestIn(folder)), folder: join(root, folder) })));
}

async function manifestIn(folder: string): Promise<Readonly<Record<"name" | "version" | "license", string>>> {
  const manifest: unknown = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
  const fields = new Map(Object.entries(manifest ?? {}));
  const text = (name: string): string => String(fields.get(name) ?? "unknown");
  return { name: text("name"), version: text("version"), license: text("license") };
}
