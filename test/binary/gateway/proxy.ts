import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { LineProcess } from "../support/line-process.ts";
import { debianProgram } from "./debian.ts";

export type ProxyName = "nginx" | "caddy";

/** Ports of the examples in docs/gateway.md. */
const shown = { gateway: 8080, proxy: 8000, application: 3000 };
export type ProxyPorts = Readonly<Record<keyof typeof shown, number>>;

const docs = join(import.meta.dirname, "../../../docs/gateway.md");

/** The example of that language as docs/gateway.md shows it, with other ports. */
async function example(language: string, ports: ProxyPorts): Promise<string> {
  const text = await readFile(docs, "utf8");
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(text)?.[1];
  if (found === undefined) throw new Error(`docs/gateway.md shows no ${language}`);
  return found.replaceAll(/(?<=127\.0\.0\.1:|http:\/\/:)\d+/g, (port) => {
    const [name] = Object.entries(shown).find(([, known]) => known === Number(port)) ?? [];
    return String(ports[name as keyof ProxyPorts]);
  });
}

/** A proxy with the configuration that docs/gateway.md shows, ready for requests; or why there is none. */
export async function startProxy(
  name: ProxyName,
  ports: ProxyPorts,
  folder: string,
): Promise<LineProcess | { readonly missing: string }> {
  const found = await debianProgram(name, name === "nginx" ? "usr/sbin/nginx" : "usr/bin/caddy");
  if ("missing" in found) return found;
  await mkdir(join(folder, "tmp"), { recursive: true });
  const args = name === "nginx" ? await nginxArgs(ports, folder) : await caddyArgs(ports, folder);
  const child = new LineProcess(found.path, args);
  await answers(ports.proxy, child);
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
  await writeFile(file, await example("caddyfile", ports));
  return ["run", "--config", file, "--adapter", "caddyfile"];
}

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

/** A port that was free a moment ago: what is configured by a file can't choose one by itself. */
export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** An application that answers with the headers that reached it. */
export async function startApplication(port: number): Promise<() => void> {
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(request.headers));
  });
  server.keepAliveTimeout = 90_000;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return () => {
    server.close();
    server.closeAllConnections();
  };
}
