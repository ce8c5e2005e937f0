// Keeps what V8 compiles of both programs until a gateway is ready, for the Node.js that this runs on. The Dockerfile runs it.
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { loadNative, nativeFile } from "../../src/native/load.ts";
import { freePort } from "../free-port.ts";

const program = join(__dirname, "keyturn.cjs");
const pollMs = 10;
const readyMs = 60_000;

async function untilReady(port: number): Promise<void> {
  const deadlineMs = performance.now() + readyMs;
  while (performance.now() < deadlineMs) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (answer?.ok === true) return;
    if (process.exitCode !== undefined) throw new Error("Cannot compile: the gateway ended");
    await pause(pollMs);
  }
  throw new Error(`Cannot compile: the gateway must be ready within ${readyMs / 1000} s`);
}

/** Begins to run the program here, with these arguments. @returns what keeps the code that V8 has compiled of it by then, and says where */
async function begun(...args: readonly string[]): Promise<() => string> {
  process.argv = [process.execPath, program, ...args];
  const { script, compiledPath } = await import("./start.ts");
  return () => {
    writeFileSync(compiledPath, script.createCachedData());
    return compiledPath;
  };
}

/** Runs a gateway here, and beside it a `keyturn standalone` that makes its ring, until the gateway is ready. @returns the files of both */
async function compile(): Promise<readonly string[]> {
  const native = join(__dirname, nativeFile());
  // A gateway would go on without it, and say nothing here
  if (existsSync(native)) loadNative(native);
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), "keyturn-compile-"));
  const beside = fork(__filename, [dir], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  process.on("exit", () => {
    beside.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  });
  const kept = once(beside, "message").then(([path]) => String(path));
  const ended = once(beside, "exit").then(() => {
    throw new Error("Cannot compile: keyturn standalone ended before the gateway was ready");
  });
  const mount = ["--acks=off", `--mount=${join(dir, "signer")}`, "--log-level=silent"];
  const keep = await begun("gateway", ...mount, "--listen=127.0.0.1:0", `--admin-listen=127.0.0.1:${port}`);
  await Promise.race([untilReady(port), ended]);
  beside.send("keep");
  return [keep(), await Promise.race([kept, ended])];
}

/** The process beside: what the commands of the other program have in common is compiled by then, too. */
async function compileBeside(dir: string): Promise<void> {
  const flags = ["--issuer=https://keyturn.invalid", "--audience=nobody", "--log-level=error"];
  const keep = await begun("standalone", "--dir", dir, ...flags);
  process.once("message", () => process.send?.(keep()));
}

// Before the program's own, which would let it drain
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

const [, , dirBeside] = process.argv;
if (dirBeside !== undefined) void compileBeside(dirBeside).catch(fail);
else {
  void compile().then((paths) => {
    process.stdout.write(`${paths.join("\n")}\n`);
    // The gateway would run on
    process.exit(0);
  }, fail);
}
