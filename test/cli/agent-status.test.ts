import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  agentRefreshCommand,
  agentStatusCommand,
  agentTokenCommand,
} from "../../src/cli/commands/agent-status-command.ts";
import { report } from "../../src/cli/report-error.ts";
import type { Cli } from "../../src/cli/surroundings.ts";
import { ChangeNeededError, TryLaterError } from "../../src/errors/keyturn-error.ts";
import { addressText } from "../../src/http/address.ts";
import { identitySpec, type MemoryIdentity } from "../agent/support/memory-identities.ts";
import { ApiWorld, temporaryDir } from "../agent/api/support/api-world.ts";
import { startMs } from "../identity/support/pairs.ts";
import { serve } from "../http/support/serve.ts";
import { FakeCli } from "./around.ts";

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("KEYTURN_")) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const commands = { status: agentStatusCommand, token: agentTokenCommand, refresh: agentRefreshCommand };

interface RunOptions {
  readonly env?: Cli["env"];
}

/** Runs one of the commands in memory; what it asks is a real agent's API. */
async function run(name: keyof typeof commands, args: readonly string[], { env = {} }: RunOptions = {}) {
  const { io, ...fake } = new FakeCli();
  const around = new FakeCli().surroundings();
  let code: number | undefined;
  const cli: Cli = { ...around, ...fake, env, io, ended: (ended) => (code = ended) };
  io.nowMs = () => startMs;
  const command: Command = commands[name](cli)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  try {
    await command.parseAsync(args, { from: "user" });
  } catch (error) {
    code = report(error, io.err);
  }
  return { code, out: io.out.text, err: io.err.text };
}

/** Root may open every socket: for so long this process is somebody else's. */
async function asNobody<Result>(work: () => Promise<Result>): Promise<Result> {
  const user = process.geteuid?.();
  if (user !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(user);
  }
}

const socketOf = ({ address }: ApiWorld): string => `--socket=${addressText(address)}`;

function identity(world: ApiWorld, name: string): MemoryIdentity {
  const found = world.identities.find(name);
  if (found) return found;
  throw new Error(`no identity ${name}`);
}

describe("keyturn agent status", () => {
  test("shows all in a table, and what is wrong below it", async () => {
    const world = await ApiWorld.open({
      inFile: [
        identitySpec("shop", { sinks: [{ kind: "file", path: "/run/shop/token", format: "token", mode: 0o600 }] }),
        identitySpec("billing"),
        identitySpec("idle", { keep: "onUse" }),
        identitySpec("gone"),
      ],
    });
    identity(world, "shop").told = { nextAtMs: startMs + 2_880_000 };
    identity(world, "shop").sinkProblems = [{ place: '"/run/shop/token"', message: "must be writable" }];
    const [billing, gone] = [identity(world, "billing"), identity(world, "gone")];
    billing.failure = new TryLaterError("Unreachable", "Cannot get a token: nobody answers");
    billing.told = { nextAtMs: startMs + 4000, token: { receivedAtMs: 0, expiresAtMs: startMs - 60_000 } };
    gone.failure = new ChangeNeededError("unauthorized_client", "Cannot get a token: must be allowed");
    gone.told = { token: { receivedAtMs: 0 } };
    expect(await run("status", [socketOf(world)])).toEqual({
      code: 0,
      err: "",
      out: [
        "IDENTITY   KEEP     VALID UNTIL     NEXT RENEWAL   SINKS    LAST ERROR",
        "billing    Always   ended 60s ago   in 4s          0        Unreachable",
        "gone       Always   no end          now            0        unauthorized_client",
        "idle       OnUse    09:00           on use         0",
        "shop       Always   09:00           in 48m         0 of 1",
        "",
        "billing: Cannot get a token: nobody answers",
        "gone: Cannot get a token: must be allowed",
        'shop: "/run/shop/token": must be writable',
        "",
      ].join("\n"),
    });
  });

  test("shows one with everything that is known", async () => {
    const world = await ApiWorld.open({
      inFile: [identitySpec("shop", { sinks: [{ kind: "directory", path: "/run/shop", mode: 0o600 }] })],
    });
    identity(world, "shop").told = { nextAtMs: startMs + 2_880_000, isSaved: false };
    const { code, out } = await run("status", ["shop", socketOf(world)]);
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      "Identity       shop",
      "Keep           Always",
      "From           the file",
      "Valid until    09:00 (in 60m)",
      "Received       08:00:00 (now)",
      "Next renewal   in 48m",
      "On the disk    not yet",
      "Sink           directory /run/shop",
      "",
    ]);
  });

  test("tells programs what the API tells", async () => {
    const world = await ApiWorld.open();
    const [all, one] = [await world.ask("GET /v1/identities"), await world.ask("GET /v1/identities/a")];
    expect(JSON.parse((await run("status", ["-o", "json", socketOf(world)])).out)).toEqual(all.json);
    expect(JSON.parse((await run("status", ["a", "-o", "json", socketOf(world)])).out)).toEqual(one.json);
    expect((await run("status", ["a", "-o", "yaml", socketOf(world)])).out).toContain("name: a\n");
  });

  test("says that there is none", async () => {
    const world = await ApiWorld.open({ inFile: [] });
    expect(await run("status", [socketOf(world)])).toEqual({ code: 0, out: "", err: "No identity\n" });
  });

  test.each(["unix", "tcp"] as const)("asks over %s", async (over) => {
    const world = await ApiWorld.open({ over });
    expect((await run("status", [socketOf(world)])).code).toBe(0);
  });

  test("takes the socket as children are told it", async () => {
    const world = await ApiWorld.open();
    vi.stubEnv("KEYTURN_AGENT_SOCKET", world.target.socketPath);
    expect((await run("status", [])).code).toBe(0);
  });

  test("shows nothing secret, whatever it shows", async () => {
    const world = await ApiWorld.open();
    const said = await Promise.all(
      [[], ["a"], ["-o", "json"], ["a", "-o", "yaml"]].map((args) => run("status", [...args, socketOf(world)])),
    );
    for (const secret of await world.secrets()) expect(JSON.stringify(said)).not.toContain(secret);
  });
});

describe("keyturn agent token", () => {
  test("prints the token alone, for a shell", async () => {
    const world = await ApiWorld.open();
    const { accessToken } = await identity(world, "a").token();
    expect(await run("token", ["a", socketOf(world)])).toEqual({ code: 0, out: `${accessToken}\n`, err: "" });
  });

  test("takes the name that children are told", async () => {
    const world = await ApiWorld.open();
    const { accessToken } = await identity(world, "b").token();
    const said = await run("token", [socketOf(world)], { env: { KEYTURN_IDENTITY: "b" } });
    expect(said.out).toBe(`${accessToken}\n`);
  });

  test("prints nothing where there is none, and says why", async () => {
    const world = await ApiWorld.open();
    identity(world, "a").failure = new TryLaterError("Unreachable", "Cannot get a token: nobody answers");
    expect(await run("token", ["a", socketOf(world)])).toEqual({
      ...{ code: 1, out: "" },
      err: "keyturn: error: Cannot get a token: nobody answers\n",
    });
  });
});

describe("keyturn agent refresh", () => {
  test("renews that one, and does not print the token", async () => {
    const world = await ApiWorld.open();
    const before = await identity(world, "a").token();
    expect(await run("refresh", ["a", socketOf(world)])).toEqual({
      ...{ code: 0, err: "" },
      out: "renewed   a   valid until 09:00 (in 60m)\n",
    });
    expect((await identity(world, "a").token()).tokenId).not.toBe(before.tokenId);
    expect(identity(world, "b").asked).toEqual(["renewed"]);
  });

  test("tells programs how it is doing then", async () => {
    const world = await ApiWorld.open();
    const { out } = await run("refresh", ["a", "-o", "json", socketOf(world)]);
    expect(JSON.parse(out)).toMatchObject({ name: "a", token: { expiresAt: "2027-01-15T09:00:00.000Z" } });
  });
});

describe("a command of the agent that can't be done says", () => {
  test("that no agent runs there", async () => {
    const path = join(await temporaryDir(), "agent.sock");
    expect(await run("status", ["--socket", path])).toEqual({
      ...{ code: 1, out: "" },
      err: [
        `keyturn: error: Cannot ask the agent at unix:${path}: must run, nobody listens there`,
        "keyturn: hint: keyturn agent --config FILE starts one; --socket and KEYTURN_AGENT_SOCKET name another place",
        "",
      ].join("\n"),
    });
  });

  test("that it has ended without taking its socket away", async () => {
    const { err } = await run("status", ["--socket", "127.0.0.1:1"]);
    expect(err).toContain("Cannot ask the agent at 127.0.0.1:1: must run, nobody listens there");
  });

  test("whose socket it is", async () => {
    const world = await ApiWorld.open();
    await chmod(world.target.socketPath ?? "", 0);
    const { err } = await asNobody(() => run("status", [socketOf(world)]));
    expect(err).toContain("must be opened by the user of its socket, or by somebody of the group");
  });

  test("that somebody else listens there", async () => {
    const { port } = await serve((_, response) => response.end("<html>"));
    const { code, err } = await run("status", ["--socket", `127.0.0.1:${port}`]);
    expect(code).toBe(1);
    expect(err).toContain("Cannot read what the agent at 127.0.0.1:");
    const other = await serve((_, response) => response.writeHead(404).end("not found"));
    const said = await run("status", ["--socket", `127.0.0.1:${other.port}`]);
    expect(said.err).toContain("must be keyturn agent, answers 404");
  });

  test("that something else than a socket is there", async () => {
    const path = join(await temporaryDir(), "agent.sock");
    await writeFile(path, "");
    expect((await run("status", ["--socket", path])).err).toContain("nobody listens there");
  });

  test.each([
    ["shpo", 'is none; did you mean "shop"'],
    ["shop/../billing", "is none"],
    ["SHOP", "is none"],
    ["nobody", "is none"],
  ])("that %s is no identity, and which was meant", async (name, is) => {
    const world = await ApiWorld.open({ inFile: [identitySpec("shop"), identitySpec("billing")] });
    for (const command of ["status", "token", "refresh"] as const) {
      const { code, out, err } = await run(command, [name, socketOf(world)]);
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toBe(
        `keyturn: error: Cannot find identity "${name}": must be one of the agent, ${is}\nkeyturn: hint: keyturn agent status shows those that there are\n`,
      );
    }
    expect(world.identities.all().flatMap((one) => one.asked)).toEqual(["renewed", "renewed"]);
  });

  test.each([
    [
      ["--socket", "agent.sock"],
      'Cannot use --socket "agent.sock": must look like /path, unix:/path or 127.0.0.1:8126',
    ],
    [
      ["--socket", "10.0.0.1:80"],
      'Cannot use --socket "10.0.0.1:80": must look like /path, unix:/path or 127.0.0.1:8126',
    ],
    [[], "Cannot ask the agent: must have the name of an identity, or KEYTURN_IDENTITY"],
  ])("what is wrong with the command line: %j", async (args, message) => {
    const { code, err } = await run("token", args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
