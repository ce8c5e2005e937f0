import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, chown, lchown, mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { IdentitySpec, NotifySpec } from "../../../src/agent/agent-spec.ts";
import { type NotifyPorts, notifier } from "../../../src/agent/sinks/notify.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { tempDir } from "../../files/temp.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { fileOf, tokenOf } from "./tokens.ts";

const silent = (): void => undefined;

function identityOf(notify: NotifySpec): IdentitySpec {
  const source = { kind: "mintSocket", path: "/run/mint.sock", subject: "web" } as const;
  const request = { audiences: [], scopes: [] };
  return { name: "web", source, request, keep: "always", sinks: [fileOf("/run/token")], notify };
}

/** Runs what is to be told, and returns the lines of the log. */
async function told(notify: NotifySpec, ports: Partial<NotifyPorts> = {}): Promise<readonly object[]> {
  const lines: object[] = [];
  const log = { debug: silent, warn: silent, error: silent, info: (fields: object) => void lines.push(fields) };
  const all = { clock: systemClock, env: process.env, signal: new AbortController().signal, log, ...ports };
  await notifier(all)(identityOf(notify));
  return lines;
}

async function pidFileWith(text: string): Promise<string> {
  const path = join(await tempDir(), "pid");
  await writeFile(path, text);
  return path;
}

/** A process that says each SIGUSR1 that it gets. */
async function listener(options: { readonly uid?: number } = {}): Promise<ChildProcess & { readonly pid: number }> {
  const code = 'process.on("SIGUSR1", () => console.log("told")); setInterval(() => {}, 1000); console.log("ready");';
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"], cwd: "/", ...options });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  await once(child.stdout, "data");
  return Object.assign(child, { pid: child.pid ?? 0 });
}

describe("a signal", () => {
  it("goes to the process whose number stands in the file at that moment", async () => {
    const [one, another] = [await listener(), await listener()];
    const pidFile = await pidFileWith(`${one.pid}\n`);
    for (const child of [one, another]) {
      await writeFile(pidFile, ` ${child.pid}\n`);
      const heard = child.stdout && once(child.stdout, "data");
      await told({ kind: "signal", signal: "SIGUSR1", pidFile });
      expect(String((await heard)?.[0])).toBe("told\n");
    }
  });

  it.each(["0", "1", "-1", "-4711", "+4711", "4711 4712", "web", "", "0x1000", "1e5", "47.11", "9".repeat(20)])(
    "never goes by a file that holds %j",
    async (text) => {
      const pidFile = await pidFileWith(text);
      await expect(told({ kind: "signal", signal: "SIGUSR1", pidFile })).rejects.toMatchObject({
        code: "PidFileUnfit",
        message: `Cannot use the pid file "${pidFile}": must hold the number of a process, of 2 or more`,
      });
    },
  );

  it("never goes to the agent itself", async () => {
    const pidFile = await pidFileWith(String(process.pid));
    await expect(told({ kind: "signal", signal: "SIGUSR1", pidFile })).rejects.toThrow("holds the agent's own");
  });

  it("says that the process is gone, and that there is no file", async () => {
    const child = await listener();
    const pidFile = await pidFileWith(String(child.pid));
    child.kill("SIGKILL");
    await once(child, "exit");
    await expect(told({ kind: "signal", signal: "SIGUSR1", pidFile })).rejects.toMatchObject({
      code: "ProcessGone",
      message: `Cannot use the pid file "${pidFile}": there is no process ${child.pid}`,
    });
    await expect(told({ kind: "signal", signal: "SIGUSR1", pidFile: `${pidFile}.no` })).rejects.toMatchObject({
      code: "StorageUnavailable",
      message: `Cannot open "${pidFile}.no": it is not there, or no longer`,
    });
  });

  it("goes by no file that is a directory, or too long", async () => {
    for (const pidFile of [await tempDir(), await pidFileWith("1".repeat(65))]) {
      await expect(told({ kind: "signal", signal: "SIGUSR1", pidFile })).rejects.toThrow(
        "must be a file with the number",
      );
    }
  });

  it("goes by a file of somebody else to that one's own processes alone", async (context) => {
    if (process.geteuid?.() !== 0) return context.skip("only root may start a process of somebody else");
    const [ours, theirs] = [await listener(), await listener({ uid: 4711 })];
    const pidFile = await pidFileWith(String(ours.pid));
    await chown(pidFile, 4711, 4711);
    await expect(told({ kind: "signal", signal: "SIGUSR1", pidFile })).rejects.toMatchObject({
      code: "PidFileUnfit",
      message: `Cannot use the pid file "${pidFile}": must belong to root, or to the owner of process ${ours.pid}`,
    });
    // By a link as well: what was opened is what counts
    await symlink(pidFile, `${pidFile}.link`);
    await expect(told({ kind: "signal", signal: "SIGUSR1", pidFile: `${pidFile}.link` })).rejects.toThrow(
      "must belong",
    );
    // And by a link of somebody else to a file of ours: whoever made it names the process
    const rootsFile = await pidFileWith(String(ours.pid));
    await symlink(rootsFile, `${pidFile}.theirs`);
    await lchown(`${pidFile}.theirs`, 4711, 4711);
    await expect(told({ kind: "signal", signal: "SIGUSR1", pidFile: `${pidFile}.theirs` })).rejects.toThrow(
      "must belong",
    );
    await writeFile(pidFile, String(theirs.pid));
    const heard = theirs.stdout && once(theirs.stdout, "data");
    await told({ kind: "signal", signal: "SIGUSR1", pidFile });
    expect(String((await heard)?.[0])).toBe("told\n");
  });
});

/** A command that runs this in Node.js. */
const script = (code: string, ...args: readonly string[]): NotifySpec => ({
  kind: "command",
  command: [process.execPath, "-e", code, "--", ...args],
});

describe("a command", () => {
  it("gets its arguments as they are, without a shell, and its output is logged", async () => {
    const [line] = await told(script("console.log(JSON.stringify(process.argv.slice(1)))", "$HOME", "a; b", "*"));
    expect(line).toEqual({ identity: "web", command: process.execPath, output: '["$HOME","a; b","*"]' });
  });

  it("is told whose token it is and where, and nothing else than what the agent has", async () => {
    const [line] = await told(script("console.log(JSON.stringify(process.env))"), { env: { A: "b" } });
    const { output } = line as { output: string };
    expect(JSON.parse(output)).toEqual({ A: "b", KEYTURN_IDENTITY: "web", KEYTURN_TOKEN_FILE: "/run/token" });
  });

  it("shows no token that it said, and no more than some lines", async () => {
    const [line] = await told(script("console.log(process.argv[1], 'x '.repeat(100_000))", tokenOf(1).accessToken));
    const { output } = line as { output: string };
    expect(output).toMatch(/^\[…\]\.\[…\]\.\[…\] x x /);
    expect(output.length).toBeLessThan(2010);
  });

  it.each([
    ["process.exit(3)", "must end with 0, ended with 3"],
    ["process.kill(process.pid, 'SIGKILL')", "must end with 0, ended with SIGKILL"],
    ["console.error('no such host'); process.exit(1)", "must end with 0, ended with 1; it said: no such host"],
  ])("that fails says how: %s", async (code, message) => {
    await expect(told(script(code))).rejects.toMatchObject({
      code: "CommandFailed",
      message: `Cannot run "${process.execPath}": ${message}`,
    });
  });

  it("that can't be started says why", async () => {
    const dir = await mkdtemp(join(tmpdir(), "keyturn-command-"));
    const path = join(dir, "command");
    const spec: NotifySpec = { kind: "command", command: [path] };
    await expect(told(spec)).rejects.toMatchObject({
      code: "CommandMissing",
      message: `Cannot run "${path}": must be a program, is not there`,
    });
    await writeFile(path, "");
    await chmod(path, 0o644);
    await expect(told(spec)).rejects.toThrow("must be a program that may be run");
  });

  it("that takes too long is ended with all that it started, also where it won't", async () => {
    const clock = new FakeClock();
    const pids = join(await tempDir(), "pids");
    const stubborn = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);`;
    const code = `
      ${stubborn}
      const child = require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(`${stubborn} console.log("ready")`)}]);
      child.stdout.once("data", () => require("fs").writeFileSync(${JSON.stringify(pids)}, process.pid + " " + child.pid));`;
    const running = told(script(code), { clock, withinMs: 10_000 });
    const outcome = expect(running).rejects.toMatchObject({
      code: "CommandFailed",
      message: `Cannot run "${process.execPath}": must end within 10 s, was ended`,
    });
    const numbers = await appears(pids);
    await clock.advance(9999);
    expect(numbers.map(isAlive)).toEqual([true, true]);
    await clock.advance(1);
    await clock.armed(5000);
    await clock.advance(5000);
    await gone(numbers);
    await outcome;
  });

  it("ends with the agent, and none begins after that", async () => {
    const pids = join(await tempDir(), "pids");
    const code = `require("fs").writeFileSync(${JSON.stringify(pids)}, String(process.pid)); setInterval(() => {}, 1000);`;
    const ending = new AbortController();
    const running = told(script(code), { signal: ending.signal });
    const outcome = expect(running).rejects.toThrow("must end before the agent does, was ended");
    const numbers = await appears(pids);
    ending.abort();
    await outcome;
    expect(numbers.map(isAlive)).toEqual([false]);
    await expect(told(script(code), { signal: ending.signal })).rejects.toThrow("which ends");
  });

  it("need not wait for what it leaves running", async () => {
    const pids = join(await tempDir(), "pids");
    const left = `setInterval(() => {}, 1000)`;
    const code = `
      const child = require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(left)}], { stdio: "inherit" });
      require("fs").writeFileSync(${JSON.stringify(pids)}, String(child.pid));
      console.log("left");
      process.exit(0);`;
    const [line] = await told(script(code));
    expect(line).toMatchObject({ output: "left" });
    for (const pid of await appears(pids)) process.kill(pid, "SIGKILL");
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The numbers in the file, as soon as it is whole. */
async function appears(path: string): Promise<readonly number[]> {
  for (;;) {
    const text = await readFile(path, "utf8").catch(() => "");
    if (text !== "") return text.split(" ").map(Number);
  }
}

async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => isAlive(pid) && !isZombie(pid))) await readFile("/proc/self/stat");
}

/** Nobody waits for the orphans of a container. */
function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}
