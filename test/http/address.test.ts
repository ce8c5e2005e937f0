import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { bind } from "../../src/http/address.ts";
import { tempDir } from "../files/temp.ts";

describe("bind", () => {
  test("lets nobody else connect to a socket before it has its mode, whatever the umask", async () => {
    const path = join(await tempDir(), "agent.sock");
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    const server = createServer();
    onTestFinished(() => void server.close());
    let atFirst = 0o777;
    server.on("listening", () => (atFirst = statSync(path).mode & 0o777));
    await bind(server, { kind: "unix", path, mode: 0o666 });
    expect(atFirst).toBe(0o700);
    expect(statSync(path).mode & 0o777).toBe(0o666);
    expect(process.umask(0)).toBe(0);
  });

  test("leaves nothing that listens where the group can't be given", async () => {
    const path = join(await tempDir(), "agent.sock");
    const server = createServer();
    const closed = once(server, "close");
    await expect(bind(server, { kind: "unix", path, groupId: -2 })).rejects.toMatchObject({ code: "AddressUnusable" });
    await closed;
    expect(existsSync(path)).toBe(false);
  });
});
