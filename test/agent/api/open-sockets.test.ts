import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { SocketSpec } from "../../../src/agent/agent-spec.ts";
import { openSockets } from "../../../src/agent/api/open-sockets.ts";
import { startMs } from "../../identity/support/pairs.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { identitySpec, MemoryIdentities } from "../support/memory-identities.ts";
import { type Answered, askAt, logInto, temporaryDir } from "./support/api-world.ts";

async function opened(dir: string, ...specs: readonly SocketSpec[]) {
  const logged: string[] = [];
  const identities = new MemoryIdentities([identitySpec("a"), identitySpec("b")]);
  const clock = new FakeClock(startMs);
  const sockets = await openSockets(specs, {
    ...{ identities, nowMs: clock.nowMs, log: logInto(logged), drainMs: 0, clock, chance: () => 0 },
  });
  onTestFinished(() => sockets.close());
  const ask = (name: string, line: string): Promise<Answered> =>
    askAt({ host: "localhost", port: 80, socketPath: join(dir, name) }, line);
  return { identities, sockets, ask, logged, clock };
}

const socketFor = (identity: string, dir: string, more: Partial<SocketSpec> = {}): SocketSpec => ({
  ...{ path: join(dir, identity), identity, mode: 0o660 },
  ...more,
});

describe("openSockets", () => {
  test("gives at each socket the token of its identity, and no other", async () => {
    const dir = await temporaryDir();
    const { ask, identities } = await opened(dir, socketFor("a", dir), socketFor("b", dir));
    for (const [own, other] of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      const { accessToken } = (await identities.find(own)?.token()) ?? {};
      expect((await ask(own, `GET /v1/identities/${own}/token`)).json).toMatchObject({ accessToken });
      expect(await ask(own, `GET /v1/identities/${other}/token`)).toMatchObject({ status: 403 });
      expect((await ask(own, "GET /v1/identities")).json["items"]).toMatchObject([{ name: own }]);
      expect(await ask(own, `DELETE /v1/identities/${own}`)).toMatchObject({ status: 403 });
    }
  });

  test("with the mode and the group that it says", async () => {
    const dir = await temporaryDir();
    const group = process.geteuid?.() === 0 ? 4711 : (process.getegid?.() ?? 0);
    await opened(dir, socketFor("a", dir, { mode: 0o600, group: String(group) }), socketFor("b", dir));
    const found = await stat(join(dir, "a"));
    expect([found.mode & 0o777, found.gid]).toEqual([0o600, group]);
    expect((await stat(join(dir, "b"))).mode & 0o777).toBe(0o660);
  });

  test("opens none where one can't be opened", async () => {
    const dir = await temporaryDir();
    const opening = opened(dir, socketFor("a", dir), socketFor("b", dir, { group: "nobody-knows" }));
    await expect(opening).rejects.toMatchObject({ code: "NoSuchGroup" });
    await expect(stat(join(dir, "a"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("follows the file: what is the same stays open, what is gone ends, what can't be opened is said", async () => {
    const dir = await temporaryDir();
    const { sockets, ask, logged } = await opened(dir, socketFor("a", dir), socketFor("b", dir));
    const before = (await stat(join(dir, "a"))).ino;
    await sockets.apply([socketFor("a", dir), socketFor("b", dir, { identity: "a" })]);
    expect((await stat(join(dir, "a"))).ino).toBe(before);
    expect(await ask("b", "GET /v1/identities/b/token")).toMatchObject({ status: 403 });
    expect(await ask("b", "GET /v1/identities/a/token")).toMatchObject({ status: 200 });
    await sockets.apply([socketFor("b", dir, { group: "nobody-knows" }), socketFor("a", dir)]);
    expect(logged.at(-1)).toContain('Cannot use the group "nobody-knows"');
    await expect(stat(join(dir, "b"))).rejects.toMatchObject({ code: "ENOENT" });
    expect(await ask("a", "GET /v1/identities/a/token")).toMatchObject({ status: 200 });
  });

  test("tries what can't be opened again, less and less often, and says meanwhile that it is missing", async () => {
    const dir = await temporaryDir();
    const { sockets, ask, logged, clock } = await opened(dir);
    await writeFile(join(dir, "a"), "another one's");
    await sockets.apply([socketFor("a", dir)]);
    expect(sockets.missing).toEqual([`unix:${join(dir, "a")}`]);
    await clock.advance(1000);
    await clock.armed(1000);
    expect(logged.filter((line) => line.startsWith("error"))).toHaveLength(1);
    await rm(join(dir, "a"));
    await clock.advance(1000);
    await expect.poll(() => sockets.missing).toEqual([]);
    expect(await ask("a", "GET /v1/identities/a/token")).toMatchObject({ status: 200 });
    expect(clock.waits).toEqual([]);
  });

  test("tries nothing after its end", async () => {
    const dir = await temporaryDir();
    const { sockets, clock } = await opened(dir);
    await sockets.apply([socketFor("a", dir, { group: "nobody-knows" })]);
    expect(clock.waits).toHaveLength(1);
    await sockets.close();
    expect(clock.waits).toEqual([]);
  });
});
