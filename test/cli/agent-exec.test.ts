import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { AgentSpec, IdentitySpec } from "../../src/agent/agent-spec.ts";
import type { AgentOptions } from "../../src/agent/agent-options.ts";
import { openAgent } from "../../src/agent/run-agent.ts";
import { type AgentExecFlags, agentExecCommand, type OwnAgent } from "../../src/cli/commands/agent-exec-command.ts";
import type { Cli } from "../../src/cli/surroundings.ts";
import { systemClock } from "../../src/time/clock.ts";
import { tempDir } from "../files/temp.ts";
import { HeardLog } from "../support/heard-log.ts";
import { IssuerHome } from "../issuer/support/issuer-home.ts";
import { FakeCli } from "./around.ts";

let home: IssuerHome;
let dir: string;
beforeEach(async () => {
  home = await IssuerHome.make();
  await home.writes({ generation: 5 });
  await home.start();
  await home.log.heard("} ready");
  dir = await tempDir();
});

const identityOf = (name: string, change: Partial<IdentitySpec> = {}): IdentitySpec => ({
  ...{ name, keep: "always", sinks: [], request: { audiences: [], scopes: [] } },
  source: {
    ...{ kind: "clientSecret", clientId: "dashboard", secretFile: join(home.dir, "dashboard") },
    issuer: { url: new URL(home.at("/")) },
  },
  ...change,
});

const optionsOf = (spec: AgentSpec, change: Partial<AgentOptions>): AgentOptions => ({
  ...{ told: { kind: "fixed", spec }, readyMarginMs: 0, startWithout: false, drainMs: 1000, version: "0.0.0" },
  ...{ clock: systemClock, chance: Math.random, newId: () => "id", log: new HeardLog(), env: {} },
  signal: new AbortController().signal,
  ...change,
});

interface Ended {
  readonly code?: number;
  readonly error?: unknown;
  readonly said: string;
}

/** Runs `keyturn agent exec`, with an agent of its own where there are identities. */
async function exec(identities: readonly IdentitySpec[] | undefined, ...args: readonly string[]): Promise<Ended> {
  const fake = new FakeCli();
  let code: number | undefined;
  const cli: Cli = {
    ...fake.surroundings(),
    env: { ...process.env, XDG_RUNTIME_DIR: dir, OUT: join(dir, "out") },
    ended: (given) => (code = given),
  };
  const own: OwnAgent<AgentExecFlags> = {
    flags: [],
    optionsOf: ({ startWithout = false }, around) =>
      Promise.resolve(identities && optionsOf({ identities, proxies: [], sockets: [] }, { startWithout, ...around })),
  };
  const command = agentExecCommand(cli, own).exitOverride();
  try {
    await command.parseAsync([...args], { from: "user" });
    return { ...(code !== undefined && { code }), said: fake.io.err.text };
  } catch (error) {
    return { error, said: fake.io.err.text };
  }
}

const node = (code: string): readonly string[] => ["--", process.execPath, "-e", code];
const claims = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;

const say = `require("fs").writeFileSync(process.env.OUT, JSON.stringify({
  file: process.env.KEYTURN_TOKEN_FILE, identity: process.env.KEYTURN_IDENTITY, socket: process.env.KEYTURN_AGENT_SOCKET,
  token: require("fs").readFileSync(process.env.KEYTURN_TOKEN_FILE, "utf8") }));`;

async function said(): Promise<Record<string, string>> {
  return JSON.parse(await readFile(join(dir, "out"), "utf8")) as Record<string, string>;
}

describe("agent exec with an agent of its own", () => {
  it("gives the command file and socket, ends with its exit code, and leaves nothing", async () => {
    const { code } = await exec([identityOf("ci")], ...node(`${say} process.exit(7)`));
    expect(code).toBe(7);
    const { file, identity, socket, token = "" } = await said();
    expect([file?.startsWith(`${dir}/keyturn-exec-`), socket?.startsWith(`${dir}/keyturn-agent-`)]).toEqual([
      true,
      true,
    ]);
    expect(identity).toBe("ci");
    expect(claims(token)).toMatchObject({ sub: "dashboard" });
    expect(await readdir(dir)).toEqual(["out"]);
  });

  it("lets a command that was started before see each renewal: in the file that it opens anew", async () => {
    const request = { audiences: [], scopes: [], accessTtlMs: 2000 };
    const { code } = await exec(
      [identityOf("ci", { request })],
      ...node(`
        const fs = require("fs");
        const seen = new Set();
        const whole = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url")).exp * 1000 > Date.now();
        setInterval(() => {
          const token = fs.readFileSync(process.env.KEYTURN_TOKEN_FILE, "utf8");
          if (!whole(token)) process.exit(1);
          seen.add(token);
          if (seen.size === 4) process.exit(0);
        }, 5);`),
    );
    expect(code).toBe(0);
  });

  it("answers at its socket, and gives the file of the agent where there is one", async () => {
    const file = join(dir, "token");
    const sinks = [{ kind: "file", path: file, format: "token", mode: 0o600 }] as const;
    const ask = `require("http").get({ socketPath: process.env.KEYTURN_AGENT_SOCKET, headers: { "Keyturn-Agent": "1", accept: "text/plain" },
      path: "/v1/identities/" + process.env.KEYTURN_IDENTITY + "/token" }, async (answer) => {
        let text = "";
        for await (const part of answer) text += part;
        process.exit(text === require("fs").readFileSync(process.env.KEYTURN_TOKEN_FILE, "utf8") ? 0 : 1);
      });`;
    const identities = [identityOf("ci", { sinks }), identityOf("other")];
    expect(await exec(identities, "--identity", "ci", ...node(`${say}${ask}`))).toMatchObject({ code: 0 });
    expect(await said()).toMatchObject({ file, identity: "ci" });
  });

  it("does not begin without a token, and says why", async () => {
    await writeFile(join(home.dir, "dashboard"), "another secret");
    const { error } = await exec([identityOf("ci")], ...node(say));
    expect(error).toMatchObject({ message: expect.stringContaining('Cannot begin with identity "ci"') as string });
    expect(await readdir(dir)).toEqual([]);
  });

  it("says which identities there are not", async () => {
    const both = [identityOf("ci"), identityOf("other")];
    expect((await exec(both, ...node(say))).error).toMatchObject({ code: "Usage" });
    expect((await exec(both, "--identity", "no", ...node(say))).error).toMatchObject({ code: "IdentityUnknown" });
    expect(await readdir(dir)).toEqual([]);
  });

  it("ends as a shell does where there is no such command, or none that may be run", async () => {
    const path = join(dir, "command");
    const missing = await exec([identityOf("ci")], "--", path);
    expect([missing.code, missing.said]).toEqual([
      127,
      `keyturn: error: Cannot run "${path}": must be a program, is not there\n`,
    ]);
    await writeFile(path, "", { mode: 0o644 });
    expect((await exec([identityOf("ci")], "--", path)).code).toBe(126);
  });
});

describe("agent exec beside an agent that runs", () => {
  it("finds the token of that one, and leaves nothing", async () => {
    const path = join(dir, "agent.sock");
    const spec = { identities: [identityOf("shop")], proxies: [], sockets: [] };
    const agent = await openAgent(optionsOf(spec, { listen: { kind: "unix", path } }));
    onTestFinished(() => agent.close());
    expect(await exec(undefined, "--socket", path, ...node(say))).toMatchObject({ code: 0 });
    const token = await agent.identities.find("shop")?.token();
    expect(await said()).toMatchObject({ identity: "shop", socket: path, token: token?.accessToken });
    expect((await readdir(dir)).sort()).toEqual(["agent.sock", "out"]);
  });

  it("says that none runs there", async () => {
    const { error } = await exec(undefined, "--socket", join(dir, "no.sock"), "--identity", "shop", ...node(say));
    expect(error).toMatchObject({ code: "NoAgent" });
  });
});
