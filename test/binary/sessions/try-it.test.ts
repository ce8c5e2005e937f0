import { copyFile, mkdir, readFile, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../hack/free-port.ts";
import { ensureLeastNode } from "../../../hack/least-node.ts";
import { root } from "../../../hack/run.ts";
import { bundled } from "../support/bundled.ts";
import { InstalledClient } from "../support/installed-client.ts";
import { LineProcess } from "../support/line-process.ts";

/** The commands below "Try it", as they stand there; the first one installs, which is done otherwise here. */
async function commandsOf(page: string): Promise<readonly string[]> {
  const [, section = ""] = /^## Try it\n([^]*?)(?=^## )/m.exec(await readFile(join(root, page), "utf8")) ?? [];
  return [...section.matchAll(/^ *```sh\n([^]*?)^ *```/gm)].map(([, command = ""]) => command);
}

/** What a terminal shows. */
class Terminal {
  readonly lines: string[] = [];
  readonly process: LineProcess;
  #look: () => void = () => undefined;

  constructor(script: string, cwd: string, env: Readonly<Record<string, string>>) {
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    // `exec`: what is ended is the program, not its shell
    const inShell = ["bash", "-c", `cd "$0" && exec env ${script.trim()}`, cwd];
    this.process = new LineProcess("env", [...settings, ...inShell], (line) => {
      this.lines.push(line);
      this.#look();
    });
    onTestFinished(() => this.end());
  }

  /** Resolves with how many lines there are before and with them, once these lines are there, in a row, at `from` or later. */
  async says(expected: readonly string[], from = 0): Promise<number> {
    for (;;) {
      const at = this.lines.findIndex((_, n) => n >= from && expected.every((one, k) => this.lines[n + k] === one));
      if (at >= 0) return at + expected.length;
      const { promise: more, resolve }: PromiseWithResolvers<void> = Promise.withResolvers();
      this.#look = resolve;
      await Promise.race([more, this.#failed()]);
    }
  }

  async end(): Promise<void> {
    await this.process.end("SIGKILL");
  }

  async #failed(): Promise<never> {
    const { code, stderr } = await this.process.ended;
    throw new Error(`it has ended (${String(code)}):\n${this.lines.join("\n")}\n${stderr}`);
  }
}

describe("docs/sessions.md, Try it", () => {
  let client: InstalledClient;
  let app: string;
  beforeAll(async () => {
    [client, app] = await Promise.all([InstalledClient.install(), bundled()]);
    // Laid out as a clone is in which the first command was run
    const inClone = (path: string): string => join(client.folder, path);
    await mkdir(inClone("examples/sessions"), { recursive: true });
    await copyFile(join(root, "examples/sessions/client.mjs"), inClone("examples/sessions/client.mjs"));
    await symlink(join(root, "examples/sessions/echo.mjs"), inClone("examples/sessions/echo.mjs"));
    await mkdir(inClone("dist"));
    await symlink(join(app, "app"), inClone("dist/bundle"));
  }, 180_000);
  afterAll(async () => {
    await client.remove();
    await rm(app, { recursive: true, force: true });
  });

  test.each([
    { client: "this Node.js", node: () => Promise.resolve(process.execPath) },
    { client: "the oldest Node.js that is allowed", node: () => ensureLeastNode(() => undefined) },
  ])(
    "each command does what the page says, with the client on $client",
    async ({ node }) => {
      const port = await freePort();
      const commands = (await commandsOf("docs/sessions.md")).map((one) =>
        one.replaceAll("/tmp/try", join(client.folder, `try-${port}`)).replaceAll("8083", String(port)),
      );
      expect(commands).toHaveLength(6);
      const [, standalone = "", echo = "", talk = "", rotate = "", revoke = ""] = commands;
      const pathTo = (program: string): string => `${dirname(program)}:${process.env["PATH"] ?? ""}`;
      const env = {
        PATH: pathTo(process.execPath),
        KEYTURN_GATEWAY_LISTEN: "127.0.0.1:0",
        KEYTURN_GATEWAY_ADMIN_LISTEN: "127.0.0.1:0",
      };
      const type = (script: string, more = {}): Terminal => new Terminal(script, client.folder, { ...env, ...more });

      type(standalone);
      const application = type(echo);
      await application.says(["attached"]);
      const terminal = type(talk, { PATH: pathTo(await node()) });
      await terminal.says(["connecting", "open"]);
      terminal.process.type("hello");
      const heard = await terminal.says(["heard: hello"]);
      expect(await type(rotate).process.ended).toMatchObject({ code: 0 });
      const renewed = await terminal.says(["renewing", "open"], terminal.lines.length);
      expect(await type(revoke).process.ended).toMatchObject({ code: 0 });
      const revoked = "waiting: Revoked, The token, its key, its grant or its subject was revoked";
      const back = await terminal.says([revoked, "connecting", "open"], renewed);
      const isQuiet = (line: string): boolean => line === "renewing" || line === "open";
      expect(terminal.lines.slice(heard, back).filter((line) => !isQuiet(line))).toEqual([revoked, "connecting"]);
      terminal.process.endInput();
      expect(await terminal.process.ended).toMatchObject({ code: 0 });
      expect(terminal.lines.at(-1)).toContain("ended: Left");
      await application.says(["one is gone "]);
    },
    120_000,
  );
});
