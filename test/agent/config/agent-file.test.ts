import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { AgentSpec } from "../../../src/agent/agent-spec.ts";
import { openAgentFile } from "../../../src/agent/config/agent-file.ts";
import { smallFiles } from "../../../src/files/small-files.ts";
import { tempDir } from "../../files/temp.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { agentFileWith, identityWith } from "./files.ts";

/** A file, what is written over it, and what is heard of it. */
async function fileWith(spec: object) {
  const dir = await tempDir();
  const path = join(dir, "agent.yaml");
  const write = async (text: string): Promise<void> => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  const writeSpec = (one: object): Promise<void> => write(stringify(agentFileWith(one)));
  await writeSpec(spec);
  const clock = new FakeClock();
  const taken: AgentSpec[] = [];
  const lines: string[] = [];
  const heard: (() => void)[] = [];
  const line = (fields: object, message: string): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
    for (const look of heard.splice(0)) look();
  };
  const log = { debug: line, info: line, warn: line, error: line };
  const open = () => openAgentFile({ path, files: smallFiles, clock, log, take: (one) => taken.push(one) });
  const nextLine = (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    heard.push(() => resolve(undefined));
    return promise;
  };
  return { dir, path, write, writeSpec, clock, taken, lines, open, nextLine };
}

const names = ({ identities }: AgentSpec): readonly string[] => identities.map(({ name }) => name);

describe("openAgentFile", () => {
  test("has what stands there, with paths from where it lies, and tells nobody of the first", async () => {
    const { open, dir, taken, lines } = await fileWith({ identities: [identityWith()] });
    const { current } = await open();
    expect(current.identities[0]?.source).toMatchObject({ path: join(dir, "token") });
    expect(taken).toEqual([]);
    expect(lines).toEqual(['the agent\'s file is in force {"identities":1,"proxies":0,"sockets":0}']);
  });

  test.each<[what: string, text: string | undefined, code: string]>([
    ["is not there", undefined, "FileUnreadable"],
    ["is no YAML", "a: [", "ConfigUnreadable"],
    ["is JSON with a name twice", '{"kind": "TokenAgent", "kind": "TokenAgent"}', "ConfigUnreadable"],
    ["holds another kind", "kind: TokenIssuer", "ConfigUnreadable"],
    ["is refused", stringify(agentFileWith({ identites: [] })), "InvalidTokenAgent"],
  ])("does not start with a file that %s", async (_, text, code) => {
    const { open, write, path } = await fileWith({});
    await (text === undefined ? rm(path) : write(text));
    await expect(open()).rejects.toMatchObject({ code });
  });

  test("has room for ten thousand identities with long paths and a sink each, and no more than 8 MiB", async () => {
    const { open, write, path } = await fileWith({});
    const long = `/run/${"a-name-that-is-long/".repeat(12)}`;
    const identities = Array.from({ length: 10_000 }, (_, n) =>
      identityWith({
        name: `id-${n}`,
        source: { tokenFile: `${long}${n}/identity` },
        sinks: [{ file: { path: `${long}${n}/token` } }],
      }),
    );
    const text = JSON.stringify(agentFileWith({ identities }));
    expect(text.length).toBeGreaterThan(4 * 1_048_576);
    await write(text);
    expect((await open()).current.identities).toHaveLength(10_000);
    await write(`${text}${" ".repeat(8 * 1_048_576)}`);
    const refused = { code: "FileUnreadable", message: `Cannot read "${path}": must measure at most 8388608 bytes` };
    await expect(open()).rejects.toMatchObject(refused);
  });

  test("takes another one, and not the same once more", async () => {
    const { open, write, writeSpec, taken } = await fileWith({ identities: [identityWith()] });
    const file = await open();
    await write(`# a comment\n${stringify(agentFileWith({ identities: [identityWith()] }))}`);
    await file.reload();
    expect(taken).toEqual([]);
    await writeSpec({ identities: [identityWith(), identityWith({ name: "b" })] });
    await file.reload();
    expect(taken.map(names)).toEqual([["orders", "b"]]);
    expect(file.current).toBe(taken[0]);
  });

  test("a bad one is refused and said once, with its path and all problems; the old stays, and is said to be good again", async () => {
    const { open, writeSpec, taken, lines, path } = await fileWith({ identities: [identityWith()] });
    const file = await open();
    await writeSpec({ identities: [identityWith({ name: "A" })], proxy: [] });
    await file.reload();
    await file.reload();
    expect(names(file.current)).toEqual(["orders"]);
    expect(file.refused).toMatchObject({ code: "InvalidTokenAgent" });
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(
        /^the agent's file can't be used, the one before stays in force: .*spec\.proxy.*\n.*name: /,
      ),
    ]);
    expect(lines[1]).toContain(JSON.stringify({ path, code: "InvalidTokenAgent" }));
    await writeSpec({ identities: [identityWith()] });
    await file.reload();
    expect(file.refused).toBeUndefined();
    expect(lines.at(-1)).toContain("is the one in force again");
    expect(taken).toEqual([]);
  });

  test("looks by itself, when the kernel says that something changed and every ten seconds, until the signal", async () => {
    const { open, writeSpec, clock, taken, nextLine } = await fileWith({});
    const file = await open();
    const stop = new AbortController();
    const ended = file.run(stop.signal);
    await clock.armed(10_000);
    const heard = nextLine();
    await writeSpec({ identities: [identityWith()] });
    await heard;
    expect(taken.map(names)).toEqual([["orders"]]);
    stop.abort();
    await ended;
    expect(clock.waits).toEqual([]);
  });
});
