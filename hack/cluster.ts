// A cluster to try things on by hand: the one that the tests use, with Keyturn's custom resources in it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { stringify } from "yaml";
import { root } from "./run.ts";
import { cacheFolder } from "./testcluster/build.ts";
import { type Cluster, startCluster } from "./testcluster/cluster.ts";

const usage = `Usage: npm run cluster -- <command>

  up           starts it and says how to reach it
  down         ends it; nothing of it stays
  kubeconfig   prints its kubeconfig
  kubectl …    runs kubectl on it: npm run cluster -- kubectl get jkr -A
`;

const folder = join(cacheFolder(), "cluster");
const socketFile = join(folder, "up.sock");
const kubeConfigFile = join(folder, "kubeconfig");
const kubectlFile = join(folder, "kubectl.json");
const logFile = join(folder, "log");

/** Whoever holds the cluster listens here, so that no id of a process has to be remembered. */
async function holder(): Promise<Socket | undefined> {
  const socket = connect(socketFile);
  return once(socket, "connect").then(
    () => socket,
    () => undefined,
  );
}

/** What the holder tells the one who started it. */
type Word = { readonly line: string } | { readonly ready: true };

const tell = (word: Word): void => void process.send?.(word);

/** Runs in the background: has the cluster until someone asks for its end. */
async function hold(): Promise<number> {
  const manifests = ["crds", "policies"].map((path) => join(root, path));
  const cluster: Cluster = await startCluster({ manifests, say: (line) => tell({ line }) });
  writeFileSync(kubeConfigFile, stringify(cluster.kubeConfig), { mode: 0o600 });
  writeFileSync(kubectlFile, JSON.stringify(cluster.kubectl ?? []));
  rmSync(socketFile, { force: true });
  const server = createServer({ allowHalfOpen: true }).listen(socketFile);
  await once(server, "listening");
  tell({ ready: true });
  const asked = new Promise<Socket>((resolve) => {
    server.on("connection", (one) => one.on("data", () => resolve(one)));
  });
  const socket = await Promise.race([asked, once(process, "SIGTERM"), once(process, "SIGINT")]);
  await cluster.stop();
  rmSync(kubeConfigFile, { force: true });
  server.close();
  if (!Array.isArray(socket)) socket.end();
  return 0;
}

async function start(): Promise<boolean> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log = openSync(logFile, "w");
  const stdio = ["ignore", log, log, "ipc"] as const;
  const child = spawn(process.execPath, [import.meta.filename, "hold"], { stdio: [...stdio], detached: true });
  const ready = new Promise<boolean>((resolve) => {
    child.on("exit", () => resolve(false));
    child.on("message", (word: Word) => {
      if ("line" in word) console.log(word.line);
      else resolve(true);
    });
  });
  const isReady = await ready;
  if (isReady) child.disconnect();
  child.unref();
  return isReady;
}

async function up(): Promise<number> {
  const running = await holder();
  running?.destroy();
  if (running === undefined && !(await start())) {
    console.error(readFileSync(logFile, "utf8"));
    return 1;
  }
  console.log(`\nexport KUBECONFIG=${kubeConfigFile}`);
  return 0;
}

/** Waits until the holder hangs up, which it does last. */
async function down(): Promise<number> {
  const running = await holder();
  if (running === undefined) {
    console.log("No cluster is up");
    return 0;
  }
  running.write("down");
  running.resume();
  await once(running, "close");
  console.log("The cluster is down");
  return 0;
}

async function whileUp(command: () => number | Promise<number>): Promise<number> {
  const running = await holder();
  running?.destroy();
  if (running !== undefined) return command();
  console.error("No cluster is up: npm run cluster -- up");
  return 1;
}

function printKubeConfig(): number {
  process.stdout.write(readFileSync(kubeConfigFile, "utf8"));
  return 0;
}

async function kubectl(args: readonly string[]): Promise<number> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- written by hold
  const [program = "kubectl", ...first] = JSON.parse(readFileSync(kubectlFile, "utf8")) as string[];
  const child = spawn(program, [...first, ...args], {
    stdio: "inherit",
    env: { ...process.env, KUBECONFIG: kubeConfigFile },
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

async function main([command = "", ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case "up":
      return up();
    case "down":
      return down();
    case "kubeconfig":
      return whileUp(printKubeConfig);
    case "kubectl":
      return whileUp(() => kubectl(args));
    case "hold":
      return hold();
    default:
      process.stderr.write(usage);
      return 2;
  }
}

process.exitCode = await main(process.argv.slice(2));
