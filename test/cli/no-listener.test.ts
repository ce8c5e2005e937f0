import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { root } from "../../hack/run.ts";

const entry = join(root, "src/cli/main.ts");

/** What the program logs up to the line. */
async function saidBy(args: readonly string[], wanted: RegExp): Promise<string> {
  const child = spawn(process.execPath, [entry, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  for await (const line of createInterface({ input: child.stderr })) {
    said += `${line}\n`;
    if (wanted.test(line)) break;
  }
  return said;
}

function file(name: string, text: string): string {
  const dir = mkdtempSync(join(tmpdir(), "keyturn-nowhere-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

test("a controller that listens nowhere says so", async () => {
  const config = JSON.stringify({
    clusters: [{ name: "a", cluster: { server: "https://127.0.0.1:1" } }],
    contexts: [{ name: "a", context: { cluster: "a" } }],
    "current-context": "a",
  });
  const args = ["controller", "--kubeconfig", file("config", config), "--admin-listen", "off"];
  expect(await saidBy(args, /listens nowhere/)).toContain("no probes and no metrics, as --admin-listen is off");
});

test("an agent that listens for nobody says so", async () => {
  const secret = file("secret", "s");
  const one = ["--issuer", "https://127.0.0.1:1", "--client-id", "a", "--client-secret-file", secret];
  const args = ["agent", ...one, "--sink-file", `${secret}.token`, "--listen", "off"];
  expect(await saidBy(args, /listens for nobody/)).toContain("--listen and --admin-listen are off");
});
