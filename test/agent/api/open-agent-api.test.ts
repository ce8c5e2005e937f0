import { once } from "node:events";
import { chmod, chown, lstat, mkdir, rename, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type AgentApiOpening, openAgentApi } from "../../../src/agent/api/open-agent-api.ts";
import type { Address } from "../../../src/http/address.ts";
import { startMs } from "../../identity/support/pairs.ts";
import { MemoryIdentities } from "../support/memory-identities.ts";
import { ApiWorld, logInto, temporaryDir } from "./support/api-world.ts";

const unix = (path: string): Address => ({ kind: "unix", path });

async function opened(more: Pick<AgentApiOpening, "address"> & Partial<AgentApiOpening>) {
  const logged: string[] = [];
  const identities = new MemoryIdentities([]);
  const listener = await openAgentApi({ identities, nowMs: () => startMs, log: logInto(logged), ...more });
  onTestFinished(() => listener.drain(0));
  return { listener, logged };
}

const registrationBelow = (directory: string): NonNullable<AgentApiOpening["registration"]> => ({
  directory,
  read: () => {
    throw new Error("unused");
  },
});

describe("the socket of the agent", () => {
  test("is for its user and its group", async () => {
    const { address } = await ApiWorld.open();
    if (address.kind !== "unix") throw new Error("a Unix socket");
    const { mode } = await lstat(address.path);
    expect(mode & 0o777).toBe(0o660);
  });

  test("gets its directory where that is not there, for the same", async () => {
    const dir = join(await temporaryDir(), "new");
    await opened({ address: unix(join(dir, "agent.sock")) });
    expect((await stat(dir)).mode & 0o777).toBe(0o750);
  });

  test("is made anew where a process that was killed has left one", async () => {
    const path = join(await temporaryDir(), "agent.sock");
    const killed = createServer().listen(`${path}.before`);
    await once(killed, "listening");
    // By its new name it is found no more when it closes
    await rename(`${path}.before`, path);
    killed.close();
    await once(killed, "close");
    await opened({ address: unix(path) });
  });

  test("is not taken from an agent that runs", async () => {
    const world = await ApiWorld.open();
    await expect(opened({ address: world.address })).rejects.toThrow("no other process may listen there already");
    expect((await world.ask("GET /v1/identities")).status).toBe(200);
  });

  test("never takes the place of a file", async () => {
    const path = join(await temporaryDir(), "agent.sock");
    await writeFile(path, "somebody's");
    await expect(opened({ address: unix(path) })).rejects.toMatchObject({ code: "AddressUnusable" });
    expect((await stat(path)).isFile()).toBe(true);
  });

  test("lies in no directory that everybody can write", async () => {
    const dir = await temporaryDir();
    await chmod(dir, 0o777);
    const opening = opened({ address: unix(join(dir, "agent.sock")) });
    // Of root it may be: that is how Kubernetes makes an emptyDir
    if (process.geteuid?.() === 0) expect((await opening).logged[0]).toContain("info the directory");
    else await expect(opening).rejects.toThrow("must not be writable by everybody");
  });

  test("lies in no directory of somebody else", async (context) => {
    if (process.geteuid?.() !== 0) context.skip("only root can give a directory away");
    const dir = await temporaryDir();
    await chown(dir, 12_345, 12_345);
    const opening = opened({ address: unix(join(dir, "agent.sock")) });
    await expect(opening).rejects.toThrow("must belong to root or to the agent's user");
  });

  test("lies in a directory that can be made", async () => {
    const path = join(await temporaryDir(), "a", "b", "agent.sock");
    await expect(opened({ address: unix(path) })).rejects.toThrow(
      /directory "[^"]+\/a\/b" must be usable: it is not there, or no longer/,
    );
  });
});

describe("the address of the agent", () => {
  test.each([undefined, "0.0.0.0", "::", "10.0.0.1"])("may not be reached by others: %s", async (host) => {
    const address: Address = { kind: "tcp", port: 0, ...(host !== undefined && { host }) };
    await expect(opened({ address })).rejects.toMatchObject({ code: "AddressUnusable" });
  });

  test("of TCP is none for registering", async () => {
    const registration = registrationBelow(await temporaryDir());
    const address: Address = { kind: "tcp", host: "127.0.0.1", port: 0 };
    await expect(opened({ address, registration })).rejects.toMatchObject({ code: "RegisteringUnsafe" });
  });
});

describe("the directory of those who register", () => {
  test.each([0o777, 0o775, 0o757])("must not be one that others write: %o", async (mode) => {
    const dir = await temporaryDir();
    const below = join(dir, "below");
    await mkdir(below);
    await chmod(below, mode);
    const address = unix(join(dir, "agent.sock"));
    await expect(opened({ address, registration: registrationBelow(below) })).rejects.toMatchObject({
      code: "DirectoryUnsafe",
    });
    await chmod(below, 0o755);
    await opened({ address, registration: registrationBelow(below) });
  });

  test.each(["nowhere", "file"])("must be one: %s", async (name) => {
    const dir = await temporaryDir();
    await writeFile(join(dir, "file"), "");
    const opening = opened({
      address: unix(join(dir, "agent.sock")),
      registration: registrationBelow(join(dir, name)),
    });
    await expect(opening).rejects.toMatchObject({ code: "DirectoryUnsafe" });
  });
});
