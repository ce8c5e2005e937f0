import { builtinModules } from "node:module";
import { posix } from "node:path";
import type { Import, SourceFacts } from "./scan.ts";

/** Folder of src/ → the folders that it may import besides itself. A folder within another that has a row is one by itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  time: [],
  parse: ["errors"],
  files: ["errors", "parse", "time"],
  grants: [],
  deadline: [],
  identity: ["errors", "parse", "time", "files", "deadline"],
  ring: ["errors", "parse"],
  crypto: ["errors", "parse", "ring"],
  jwt: ["errors", "parse", "ring", "crypto"],
  native: ["ring", "jwt"],
  keeper: ["errors", "ring", "crypto"],
  http: ["errors", "parse", "time", "files"],
  kube: ["parse", "time", "http"],
  grpc: ["time", "http"],
  telemetry: ["time", "http"],
  runtime: ["parse", "time", "kube", "telemetry"],
  holder: ["errors", "parse", "ring", "crypto", "jwt", "time", "files", "kube", "telemetry"],
  cluster: ["errors", "parse", "ring", "crypto", "keeper", "time", "kube", "runtime"],
  controller: ["errors", "parse", "ring", "keeper", "time", "kube", "telemetry", "runtime", "cluster"],
  standalone: ["errors", "parse", "ring", "crypto", "keeper", "time", "files", "telemetry"],
  revocations: ["errors", "parse", "jwt", "time", "files", "http", "telemetry"],
  gateway: ["errors", "jwt", "time", "files", "http", "grpc", "telemetry", "holder", "revocations", "sessions"],
  agent: ["errors", "parse", "time", "files", "http", "telemetry", "deadline", "identity"],
  "sessions/core": ["deadline", "jwt"],
  "sessions/protocol": ["parse", "deadline", "sessions/core"],
  sessions: [
    "errors",
    "parse",
    "time",
    "deadline",
    "sessions/core",
    "sessions/protocol",
    "jwt",
    "http",
    "grpc",
    "telemetry",
    "holder",
  ],
  "client/session-core": ["time", "deadline", "sessions/core"],
  client: [
    "errors",
    "parse",
    "ring",
    "jwt",
    "time",
    "files",
    "http",
    "deadline",
    "identity",
    "sessions/core",
    "sessions/protocol",
    "client/session-core",
  ],
  sql: ["errors", "time", "files"],
  issuer: [
    "errors",
    "parse",
    "ring",
    "crypto",
    "jwt",
    "grants",
    "sql",
    "time",
    "files",
    "kube",
    "http",
    "telemetry",
    "holder",
  ],
  tools: ["errors", "parse", "ring", "crypto", "jwt", "keeper", "issuer", "agent"],
  inject: ["errors", "parse", "ring"],
  cli: [
    "errors",
    "parse",
    "time",
    "ring",
    "jwt",
    "keeper",
    "kube",
    "http",
    "holder",
    "cluster",
    "controller",
    "revocations",
    "sessions",
    "gateway",
    "issuer",
    "standalone",
    "agent",
    "tools",
    "inject",
    "native",
  ],
};

/** Library → the only folders that may import it. */
const libraryHomes: Readonly<Record<string, readonly string[]>> = {
  "@bomb.sh/tab": ["cli"],
  "@fastify/rate-limit": ["issuer"],
  "@fastify/swagger": ["issuer"],
  "@kubernetes/client-node": ["cli"],
  "@nats-io/transport-node": ["sessions"],
  commander: ["cli"],
  croner: ["ring"],
  "eventsource-parser": ["revocations"],
  "json-p3": ["tools"],
  fastify: ["issuer"],
  jose: ["issuer"],
  pg: ["sql"],
  ws: ["sessions"],
};

/** The pure core's libraries: nothing that reads a clock, chance or the outside of its own accord. */
const ringLibraries = ["croner"];

/**
 * Too heavy to load at every start: only what stands here may load it, and who asks for that waits for it. client-node costs 460 ms and 54 MB
 * of memory, gRPC 250 ms and 30 MB.
 */
const onDemand = [
  { places: ["src/cli/kubeconfig.ts"], libraries: ["@kubernetes/client-node"] },
  {
    places: ["src/grpc/", "src/gateway/faces/grpc/", "src/sessions/faces/grpc/", "src/sessions/hub/grpc/"],
    libraries: ["node:http2"],
  },
  { places: ["src/sessions/bus/nats/"], libraries: ["@nats-io/transport-node"] },
  { places: ["src/sessions/open-sessions.ts", "src/sessions/faces/web-socket.ts"], libraries: ["ws"] },
];

/** Clock, chance and outside are arguments here. */
const pure = [
  "errors",
  "parse",
  "ring",
  "jwt",
  "grants",
  "deadline",
  "sessions/core",
  "sessions/protocol",
  "client/session-core",
];
const pureBuiltins = ["node:buffer", "node:crypto", "node:zlib"];
const impure =
  /^(process|console|performance|globalThis)(\..*)?$|^(Date\.now|new Date\(\)|Date\(\)|Math\.random)$|^(.*\.)?(randomUUID|getRandomValues|randomBytes|setTimeout|setInterval|setImmediate|queueMicrotask|fetch)$/;

/** argv, env, signals, exit codes and the terminal belong to cli. */
const ofTheProcess =
  /^(console(\..*)?|process|process\.(exit|exitCode|abort|argv|argv0|execArgv|env|loadEnvFile|on|once|off|addListener|prependListener|removeListener|stdin|stdout|stderr|chdir))$/;

/** Every breach of the dependency rule (docs/design.md), a line each; `libraries` are the declared runtime dependencies. */
export function breaches(sources: readonly SourceFacts[], libraries: readonly string[]): string[] {
  return [...sources.flatMap((source) => breachesOf(source, libraries)), ...cycles(sources)];
}

function breachesOf(source: SourceFacts, libraries: readonly string[]): string[] {
  const folder = folderOf(source.file);
  if (mayImport[folder] === undefined) return [`${source.file}: lies in no folder that the dependency rule knows`];
  const imports = source.imports.map((imported) => {
    const { specifier } = imported;
    if (isLoadedTooEarly(source.file, imported)) return `must import ${specifier} on demand, or its types alone`;
    if (specifier.startsWith(".")) return relativeBreach(source.file, specifier);
    if (specifier.startsWith("node:") || builtinModules.includes(specifier)) return builtinBreach(folder, specifier);
    return libraryBreach(folder, libraryName(specifier), libraries);
  });
  const uses = [...source.uses].map((use) => {
    if (pure.includes(folder) && impure.test(use)) return `uses ${use}: ${folder} takes time and chance as arguments`;
    return folder !== "cli" && ofTheProcess.test(use) ? `uses ${use}: it belongs to cli` : undefined;
  });
  return [...imports, ...uses].filter((breach) => breach !== undefined).map((breach) => `${source.file}: ${breach}`);
}

function isLoadedTooEarly(file: string, { specifier, typeOnly, onDemand: waits }: Import): boolean {
  if (typeOnly) return false;
  const isRelative = specifier.startsWith(".");
  return onDemand.some(({ places, libraries }) => {
    const isInside = (path: string): boolean => places.some((place) => path.startsWith(place));
    if (isInside(file)) return false;
    return isRelative
      ? waits !== true && isInside(resolve(file, specifier))
      : libraries.includes(libraryName(specifier));
  });
}

function relativeBreach(file: string, specifier: string): string | undefined {
  const [from, to] = [folderOf(file), folderOf(resolve(file, specifier))];
  if (resolve(file, specifier) === "package.json" && from === "cli") return undefined;
  return from === to || mayImport[from]?.includes(to) === true ? undefined : `may not import ${specifier}`;
}

function builtinBreach(folder: string, specifier: string): string | undefined {
  if (folder === "ring") return `may not import ${specifier}: ring is pure`;
  if (pure.includes(folder) && !pureBuiltins.includes(specifier))
    return `may not import ${specifier}: ${folder} is pure`;
  if (!specifier.startsWith("node:")) return `must import node:${specifier} by its full name`;
  return specifier === "node:process" && folder !== "cli"
    ? "may not import node:process: it belongs to cli"
    : undefined;
}

function libraryBreach(folder: string, library: string, libraries: readonly string[]): string | undefined {
  if (!libraries.includes(library)) return `may not import ${library}: it is no runtime dependency of package.json`;
  const homes = libraryHomes[library];
  if (homes?.includes(folder) === false) return `may not import ${library}: it belongs to ${homes.join(", ")}`;
  return folder === "ring" && !ringLibraries.includes(library) ? `may not import ${library}: ring is pure` : undefined;
}

/** One line for each circle, told from its alphabetically first file. */
function cycles(sources: readonly SourceFacts[]): string[] {
  const graph = importGraph(sources);
  return sources
    .map(({ file }) => pathTo(graph, file, (path) => path.length > 1 && path.at(-1) === file))
    .filter((path) => path !== undefined)
    .filter((path) => path.every((file) => file >= (path[0] ?? "")))
    .map((path) => `${path.join(" → ")}: circular import`);
}

type Path = readonly string[];
type Graph = ReadonlyMap<string, Path>;

function importGraph(sources: readonly SourceFacts[]): Graph {
  const targets = ({ file, imports }: SourceFacts): Path =>
    imports.filter((one) => one.specifier.startsWith(".")).map((one) => resolve(file, one.specifier));
  return new Map(sources.map((source) => [source.file, targets(source)]));
}

/** The shortest way through the imports, beginning with `start`, that `isGoal` accepts. */
function pathTo(graph: Graph, start: string, isGoal: (path: Path) => boolean): Path | undefined {
  const seen = new Set<string>();
  const waiting: Path[] = [[start]];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (isGoal(path)) return path;
    for (const next of graph.get(path.at(-1) ?? "") ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      waiting.push([...path, next]);
    }
  }
  return undefined;
}

function resolve(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier);
}

/** `ring` of `src/ring/key.ts`, `sessions/core` of `src/sessions/core/outbox.ts`; empty for a file outside of src's folders. */
function folderOf(file: string): string {
  const [, outer = "", inner = ""] = /^src\/([^/]+)\/(?:([^/]+)\/)?/.exec(file) ?? [];
  return mayImport[`${outer}/${inner}`] === undefined ? outer : `${outer}/${inner}`;
}

function libraryName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
