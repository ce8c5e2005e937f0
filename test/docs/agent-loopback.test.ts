import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { jsonIn } from "../../src/parse/json.ts";
import { ApiWorld } from "../agent/api/support/api-world.ts";
import { identitySpec } from "../agent/support/memory-identities.ts";

const run = promisify(execFile);
const page = readFileSync(join(import.meta.dirname, "../../docs/agent.md"), "utf8");
const [, section = ""] = /^## Loopback\n([^]*?)(?=^## )/m.exec(page) ?? [];
const blocks = [...section.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, block = ""]) => block);

/** What curl printed, a line for each answer. */
async function shell(block: string, world: ApiWorld): Promise<readonly string[]> {
  const script = `set -eu\n${block}`.replaceAll("/run/agents", world.directory);
  const env = { ...process.env, KEYTURN_AGENT_SOCKET: world.target.socketPath };
  const { stdout } = await run("bash", ["-c", script], { env });
  return stdout.split("\n").filter((line) => line !== "");
}

describe("docs/agent.md, loopback: each example does what the page says", async () => {
  const hasCurl = await run("curl", ["--version"]).then(
    () => true,
    () => false,
  );
  const open = () => ApiWorld.open({ registers: true, inFile: [identitySpec("shop")] });

  test("there are as many as are tried here", () => {
    expect(blocks).toHaveLength(6);
  });

  test.each([
    ["a token", 0, [expect.objectContaining({ tokenId: "shop-1", tokenType: "Bearer" })]],
    ["another token than one that was refused", 2, [expect.objectContaining({ tokenId: "shop-1" })]],
    ["a token by hand", 3, [expect.objectContaining({ tokenId: "shop-2" })]],
    [
      "how they are doing",
      4,
      [{ items: [expect.objectContaining({ name: "shop" })] }, expect.objectContaining({ name: "shop" })],
    ],
    ["one that comes and goes", 5, [expect.objectContaining({ name: "worker-7", keep: "OnUse" })]],
  ])("%s", async (_, index, told) => {
    if (!hasCurl) throw new Error("curl must be there");
    const world = await open();
    const lines = await shell(blocks[index] ?? "", world);
    expect(lines.map(jsonIn)).toEqual(told);
    expect(world.identities.all().map(({ spec }) => spec.name)).toEqual(["shop"]);
  });

  test("the token alone, in a shell", async () => {
    const world = await open();
    const { accessToken } = (await world.identities.find("shop")?.token()) ?? {};
    expect(await shell(`${blocks[1] ?? ""}\necho "$token"`, world)).toEqual([accessToken]);
  });
});
