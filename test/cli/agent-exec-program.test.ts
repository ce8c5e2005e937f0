import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { tempDir } from "../files/temp.ts";
import { IssuerHome } from "../issuer/support/issuer-home.ts";

const program = join(import.meta.dirname, "../../src/cli/main.ts");

let home: IssuerHome;
let dir: string;
beforeEach(async () => {
  home = await IssuerHome.make();
  await home.writes({ generation: 5 });
  await home.start();
  await home.log.heard("} ready");
  dir = await tempDir();
});

/** The program itself, on pipes: no terminal. */
function exec(code: string, ...flags: readonly string[]) {
  const own = ["--issuer", home.at("/"), "--client-id", "dashboard"];
  const secret = ["--client-secret-file", join(home.dir, "dashboard")];
  const args = ["agent", "exec", ...own, ...secret, ...flags, "--", process.execPath, "-e", code];
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, XDG_RUNTIME_DIR: dir },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, out: text(child.stdout), err: text(child.stderr), ended: once(child, "exit") };
}

describe("keyturn agent exec", () => {
  it("shows a command that was started before it the new token, and ends with its exit code", async () => {
    const { out, err, ended } = exec(
      `const { readFileSync } = require("fs");
      const seen = new Set();
      setInterval(() => {
        seen.add(readFileSync(process.env.KEYTURN_TOKEN_FILE, "utf8"));
        if (seen.size === 3) { console.log([...seen].every((token) => token.split(".").length === 3)); process.exit(9); }
      }, 5);`,
      ...["--access-ttl", "2s"],
    );
    expect(await Promise.all([out, err, ended])).toEqual(["true\n", "", [9, null]]);
  });

  it.each<[NodeJS.Signals, number]>([
    ["SIGTERM", 15],
    ["SIGINT", 2],
    ["SIGHUP", 1],
    ["SIGUSR1", 10],
    ["SIGUSR2", 12],
  ])("sends %s on, once, and leaves the end to the command", async (signal, exitCode) => {
    const { child, out, err, ended } = exec(
      `process.on("${signal}", () => { console.log("heard"); setTimeout(() => process.exit(${exitCode}), 200); });
      setInterval(() => {}, 1000);
      console.error("begun");`,
    );
    await once(child.stderr, "data");
    child.kill(signal);
    expect(await Promise.all([out, err, ended])).toEqual(["heard\n", "begun\n", [exitCode, null]]);
  });
});
