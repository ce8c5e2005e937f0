import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, inject, onTestFinished, test } from "vitest";
import { root } from "../../../hack/run.ts";
import { makeRotation, makeScene, quick, startController } from "../controller/support/scene.ts";

const scene = await makeScene("memory");

/** The whole heap as text, after a full collection. */
async function heapOf(argument: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "keyturn-heap-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const flags = ["--heapsnapshot-signal=SIGUSR2", `--diagnostic-dir=${folder}`];
  const script = join(root, "test/bench/sidecar/gateway-child.ts");
  const child = spawn(process.execPath, [...flags, script, JSON.stringify(argument)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [front] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  // Not before it has a ring
  for (;;) if ((await fetch(`http://127.0.0.1:${front}/verify`)).status === 401) break;
  const stop = new AbortController();
  const seen = watch(folder, { signal: stop.signal });
  child.kill("SIGUSR2");
  for await (const { filename } of seen) {
    const text = filename === null ? "" : await readFile(join(folder, filename), "utf8");
    if (text.trimEnd().endsWith("]}")) return text;
  }
  throw new Error("never ends");
}

test("a gateway that minted holds its private half as a KeyObject, and in no text of its heap", async () => {
  startController(scene);
  const rotation = await makeRotation(scene.namespace, "orders", quick);
  await rotation.ready();
  const files = await rotation.data("signer");
  const jwks = JSON.parse(files["private-jwks.json"] ?? "") as { keys: readonly { d?: string }[] };
  const [half = ""] = jwks.keys.flatMap(({ d }) => d ?? []);
  const pem = (files["signing.pem"] ?? "").split("\n")[1] ?? "";
  expect(half.length).toBeGreaterThan(40);
  const heap = await heapOf({
    connection: inject("cluster").connection,
    namespace: scene.namespace,
    object: "orders",
  });
  // What is looked for would be found
  expect(heap).toContain(files["kid"]);
  for (const secret of [half, pem]) {
    expect(heap.includes(secret)).toBe(false);
    // As a Secret has it: base64 of the text, from any of three offsets
    for (const offset of [0, 1, 2]) {
      const encoded = Buffer.from(secret.slice(offset)).toString("base64");
      expect(heap.includes(encoded.slice(0, 36))).toBe(false);
    }
  }
});
