// Keeps what V8 compiles until a gateway is ready, for the Node.js that this runs on. The Dockerfile runs it.
import { spawn } from "node:child_process";
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

/** Runs a gateway here, on a ring of a `keyturn standalone`, until it is ready. */
async function compile(): Promise<string> {
  const native = join(__dirname, nativeFile());
  // A gateway would go on without it, and say nothing here
  if (existsSync(native)) loadNative(native);
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), "keyturn-compile-"));
  const ring = [program, "standalone", "--dir", dir, "--issuer=https://keyturn.invalid", "--audience=nobody"];
  const standalone = spawn(process.execPath, [...ring, "--log-level=error"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  process.on("exit", () => {
    standalone.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  });
  const ended = once(standalone, "exit").then(() => {
    throw new Error("Cannot compile: keyturn standalone ended before the gateway was ready");
  });
  const mount = ["--acks=off", `--mount=${join(dir, "signer")}`, "--log-level=silent"];
  const listen = ["--listen=127.0.0.1:0", `--admin-listen=127.0.0.1:${port}`];
  process.argv = [process.execPath, program, "gateway", ...mount, ...listen];
  const { script, compiledPath } = await import("./start.ts");
  await Promise.race([untilReady(port), ended]);
  writeFileSync(compiledPath, script.createCachedData());
  return compiledPath;
}

// Before the gateway's own, which would let it drain
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

void compile().then(
  (path) => {
    process.stdout.write(`${path}\n`);
    // The gateway would run on
    process.exit(0);
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
