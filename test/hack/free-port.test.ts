import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../hack/free-port.ts";

const each = 200;

async function elsewhere(count: number): Promise<readonly number[]> {
  const script = `import { freePort } from "./hack/free-port.ts";
    for (let i = 0; i < ${count}; i += 1) console.log(await freePort());
    process.stdin.resume();`;
  const child = execFile(process.execPath, ["--input-type=module", "--eval", script]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const ports: number[] = [];
  for await (const chunk of child.stdout ?? []) {
    ports.push(...String(chunk).split("\n").filter(Boolean).map(Number));
    if (ports.length === count) break;
  }
  return ports;
}

test("is given to nobody else, in this process or another, though nobody listens there", async () => {
  const others = await elsewhere(each);
  const own: number[] = [];
  for (let count = 0; count < each; count += 1) own.push(await freePort());
  expect(new Set([...others, ...own]).size).toBe(2 * each);
});

test("is none that the system gives to whoever names none", async (context) => {
  if (process.platform !== "linux") context.skip("only Linux says which those are");
  const [first = 0] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split("\t").map(Number);
  expect(await freePort()).toBeLessThan(first);
});

test("lets a process end that has one", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "--eval",
    'import { freePort } from "./hack/free-port.ts"; console.log(await freePort() > 0);',
  ]);
  expect(stdout).toBe("true\n");
});
