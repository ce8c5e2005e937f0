import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../hack/free-port.ts";
import { publicObject, signerObject } from "../../src/crypto/objects.ts";
import { writeDataDir } from "../../src/files/data-dir.ts";
import { nodeDisk } from "../../src/files/disk.ts";
import { runIssuer } from "../../src/issuer/run-issuer.ts";
import { systemClock } from "../../src/time/clock.ts";
import { keyRing } from "../gateway/support/rings.ts";
import { HeardLog } from "./support/foreign.ts";
import { fileWith } from "./support/token-issuers.ts";

test("runIssuer is not ready before its store is open, though it has the ring: nobody is sent where nobody listens", async () => {
  const dir = await mkdtemp(join(tmpdir(), "keyturn-store-away-"));
  const { ring, materials } = keyRing({ generation: 5 });
  const options = { mode: 0o600, dirMode: 0o700, nowMs: Date.now() };
  await writeDataDir(nodeDisk(), join(dir, "signer"), { files: signerObject(ring, materials), ...options });
  await writeDataDir(nodeDisk(), join(dir, "public"), { files: publicObject(ring, materials), ...options });
  const config = join(dir, "issuer.json");
  await writeFile(config, JSON.stringify(fileWith({})));
  const [admin, database] = [await freePort(), await freePort()];
  const log = new HeardLog();
  const stop = new AbortController();
  const ended = runIssuer({
    sources: { kind: "directory", ring: "signer", acks: "off", dir, instance: "one" },
    ...{ config, store: `postgres://nobody@127.0.0.1:${database}/grants`, version: "0.0.0", userAgent: "keyturn/test" },
    listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    adminListen: { kind: "tcp", host: "127.0.0.1", port: admin },
    ...{ clock: systemClock, chance: () => 0.5, newId: () => "one", log, drainMs: 0, signal: stop.signal },
  });
  onTestFinished(async () => {
    stop.abort();
    await ended;
    await rm(dir, { recursive: true });
  });
  await log.heard("ready");
  await log.heard("The store can't be opened yet");
  const answer = await fetch(`http://127.0.0.1:${admin}/readyz`);
  expect(await answer.text()).toContain("[-]store: it is not open yet");
  expect(answer.status).toBe(503);
});
