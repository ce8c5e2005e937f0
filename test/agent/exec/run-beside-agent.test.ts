import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type AskedAgent, type BesideAgentOptions, runBesideAgent } from "../../../src/agent/exec/run-beside-agent.ts";
import { TryLaterError } from "../../../src/errors/keyturn-error.ts";
import type { FreshToken } from "../../../src/identity/kept-identity.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { tempDir } from "../../files/temp.ts";
import { tokenOf } from "../sinks/tokens.ts";

const silent = (): void => undefined;
const away = new TryLaterError("IssuerAway", "Cannot get a token: the issuer is away");

/** An agent whose token is another one when a test says so. */
class ScriptedAgent implements AskedAgent {
  current: FreshToken | undefined = brief(1);
  sinks: Awaited<ReturnType<AskedAgent["identity"]>>["sinks"] = [];

  identity = (): Promise<{ readonly sinks: ScriptedAgent["sinks"] }> => Promise.resolve({ sinks: this.sinks });
  token = (): Promise<FreshToken> => (this.current ? Promise.resolve(this.current) : Promise.reject(away));
}

/** A token of a second: it is asked for often. */
const brief = (n: number): FreshToken => ({ ...tokenOf(n), expiresAtMs: Date.now() + 1000 });

interface World {
  readonly dir: string;
  readonly agent: ScriptedAgent;
  readonly warnings: string[];
  /** Sends a signal to the one who runs the command. */
  signal(signal: NodeJS.Signals): void;
  run(code: string, options?: Partial<BesideAgentOptions>): Promise<number>;
}

async function newWorld(): Promise<World> {
  const dir = await tempDir();
  const agent = new ScriptedAgent();
  const warnings: string[] = [];
  const takers = new Set<(signal: NodeJS.Signals) => void>();
  const warn = ({ why }: { why?: string }, message: string): void => void warnings.push(`${message}: ${why}`);
  return {
    ...{ dir, agent, warnings },
    signal: (signal) => {
      for (const take of takers) take(signal);
    },
    run: (code, options = {}) =>
      runBesideAgent({
        ...{ agent, socket: "/run/agent.sock", identity: "web", runtimeDir: dir, startWithout: false },
        command: [process.execPath, "-e", code],
        env: { ...process.env, OUT: join(dir, "out") },
        relaySignals: (take) => {
          takers.add(take);
          return () => void takers.delete(take);
        },
        ...{ clock: systemClock, chance: Math.random },
        log: { debug: silent, info: silent, warn, error: silent },
        ...options,
      }),
  };
}

/** What the command wrote to `OUT`, as soon as it has. */
async function out({ dir }: World): Promise<string> {
  for (;;) {
    const text = await readFile(join(dir, "out"), "utf8").catch(() => "");
    if (text.endsWith("\n")) return text.trim();
  }
}

const say = (what: string): string =>
  `const fs = require("fs"); fs.writeFileSync(process.env.OUT + "_", ${what} + "\\n"); fs.renameSync(process.env.OUT + "_", process.env.OUT);`;

describe("a command beside an agent", () => {
  it("finds its token by its environment, in a directory that nobody else may enter and that goes with it", async () => {
    const world = await newWorld();
    const told = `[process.env.KEYTURN_AGENT_SOCKET, process.env.KEYTURN_IDENTITY, process.env.KEYTURN_TOKEN_FILE,
      fs.statSync(require("path").dirname(process.env.KEYTURN_TOKEN_FILE)).mode & 0o777,
      fs.readFileSync(process.env.KEYTURN_TOKEN_FILE, "utf8")].join(" ")`;
    expect(await world.run(say(told))).toBe(0);
    const [socket, identity, file = "", mode, token] = (await out(world)).split(" ");
    expect([socket, identity, Number(mode), token]).toEqual(["/run/agent.sock", "web", 0o700, tokenOf(1).accessToken]);
    expect(dirname(dirname(file))).toBe(world.dir);
    expect(await readdir(world.dir)).toEqual(["out"]);
  });

  it("sees the new token although it was started before the renewal, and in a file that it never finds torn", async () => {
    const world = await newWorld();
    const running = world.run(`
      const fs = require("fs");
      const seen = [];
      for (;;) {
        const token = fs.readFileSync(process.env.KEYTURN_TOKEN_FILE, "utf8");
        if (seen.at(-1) !== token) seen.push(token);
        if (seen.length === 1) fs.writeFileSync(process.env.OUT, "one\\n");
        if (seen.length === 3) process.exit(seen.every((one) => one.length === ${tokenOf(1).accessToken.length}) ? 7 : 1);
        if (seen.length === 2) fs.writeFileSync(process.env.OUT, "two\\n");
      }`);
    await out(world);
    world.agent.current = brief(2);
    while ((await out(world)) !== "two");
    world.agent.current = brief(3);
    expect(await running).toBe(7);
  });

  it("is given the file that the agent writes, where there is one with the token alone", async () => {
    const world = await newWorld();
    world.agent.sinks = [
      { kind: "file", path: "/run/token.json", format: "json" },
      { kind: "directory", path: "/run/tokens" },
      { kind: "file", path: "/run/token", format: "token" },
    ];
    expect(await world.run(say("process.env.KEYTURN_TOKEN_FILE"))).toBe(0);
    expect(await out(world)).toBe("/run/token");
  });

  it("does not begin without a token, unless it may; then the file is there as soon as there is one", async () => {
    const world = await newWorld();
    world.agent.current = undefined;
    await expect(world.run(say("'began'"))).rejects.toBe(away);
    expect(await readdir(world.dir)).toEqual([]);
    const waiting = `
      ${say("fs.existsSync(process.env.KEYTURN_TOKEN_FILE)")}
      while (!fs.existsSync(process.env.KEYTURN_TOKEN_FILE));`;
    const running = world.run(waiting, { startWithout: true });
    expect(await out(world)).toBe("false");
    world.agent.current = brief(1);
    expect(await running).toBe(0);
  });

  it("goes on with the token that it has while the agent is away, which is said once", async () => {
    const world = await newWorld();
    const running = world.run(
      `${say("'began'")} setInterval(() => fs.existsSync(process.env.OUT) || process.exit(), 10);`,
    );
    await out(world);
    world.agent.current = undefined;
    while (world.warnings.length === 0) await stat(world.dir);
    expect(world.warnings).toEqual([`the command has not got the new token: ${away.message}`]);
    world.signal("SIGKILL");
    expect(await running).toBe(137);
  });
});

describe("the end of a command beside an agent", () => {
  it.each([
    ["process.exit(0)", 0],
    ["process.exit(3)", 3],
    ["process.exit(255)", 255],
    ["process.kill(process.pid, 'SIGTERM')", 143],
    ["process.kill(process.pid, 'SIGKILL')", 137],
  ])("is told as a shell tells it: %s", async (code, exitCode) => {
    expect(await (await newWorld()).run(code)).toBe(exitCode);
  });

  it.each<[NodeJS.Signals, number]>([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGUSR2", 140],
  ])("comes with %s, when it takes it for one", async (signal, exitCode) => {
    const world = await newWorld();
    const running = world.run(`${say("'began'")} setInterval(() => {}, 1000);`);
    await out(world);
    world.signal(signal);
    expect(await running).toBe(exitCode);
    expect((await readdir(world.dir)).filter((name) => name.startsWith("keyturn-exec-"))).toEqual([]);
  });

  it("is its own decision: what it hears is what was sent", async () => {
    const world = await newWorld();
    const running = world.run(
      `process.on("SIGINT", () => process.exit(5)); ${say("'began'")} setInterval(() => {}, 1000);`,
    );
    await out(world);
    world.signal("SIGINT");
    expect(await running).toBe(5);
  });

  it("comes at once where there is no such program, or none that may be run, and leaves nothing", async () => {
    const world = await newWorld();
    const path = join(world.dir, "out");
    await expect(world.run("", { command: [`${path}.no`] })).rejects.toMatchObject({
      code: "CommandMissing",
      cause: expect.objectContaining({ code: "ENOENT" }) as Error,
    });
    await writeFile(path, "", { mode: 0o644 });
    await expect(world.run("", { command: [path] })).rejects.toMatchObject({
      code: "CommandMissing",
      cause: expect.objectContaining({ code: "EACCES" }) as Error,
    });
    expect(await readdir(world.dir)).toEqual(["out"]);
  });

  it("says where no private directory can be made", async () => {
    const world = await newWorld();
    const runtimeDir = join(tmpdir(), "keyturn-is-not-there");
    await expect(world.run("", { runtimeDir })).rejects.toMatchObject({ code: "StorageUnavailable" });
  });
});
