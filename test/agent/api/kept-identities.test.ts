import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openAgentApi } from "../../../src/agent/api/open-agent-api.ts";
import { parseRegistered } from "../../../src/agent/config/read-identity.ts";
import { AgentScene } from "../identities/support/agent-scene.ts";
import { identitySpec } from "../support/memory-identities.ts";
import { askAt, logInto, temporaryDir } from "./support/api-world.ts";

test("identities that the agent keeps come and go by the API, and leave nothing", async () => {
  const [dir, stateDir] = [await temporaryDir(), await temporaryDir()];
  const scene = new AgentScene();
  scene.stateDir = stateDir;
  const identities = await scene.open([identitySpec("a")]);
  const lines: string[] = [];
  const socketPath = join(dir, "agent.sock");
  const issuer = { url: new URL("https://issuer.example") };
  const listener = await openAgentApi({
    address: { kind: "unix", path: socketPath },
    ...{ identities, nowMs: scene.clock.nowMs, log: logInto(lines) },
    registration: { directory: dir, read: (name, value) => parseRegistered(value, { name, dir, issuer }) },
  });
  onTestFinished(() => listener.drain(0));
  const target = { host: "localhost", port: 80, socketPath };
  const before = await readdir(stateDir, { recursive: true });

  const body = JSON.stringify({ source: { tokenFile: "token" } });
  expect((await askAt(target, "PUT /v1/identities/b", { body })).json).toMatchObject({
    name: "b",
    origin: "Registered",
  });
  expect((await askAt(target, "GET /v1/identities/b/token")).json).toMatchObject({ tokenId: "b-1", expiresIn: 3600 });
  expect((await askAt(target, "POST /v1/identities/b/refresh")).json).toMatchObject({ tokenId: "b-2" });
  expect((await askAt(target, "GET /v1/identities/a/token")).json).toMatchObject({ tokenId: "a-1" });
  expect((await askAt(target, "DELETE /v1/identities/b")).status).toBe(204);
  expect((await askAt(target, "GET /v1/identities/b/token")).status).toBe(404);
  expect(await readdir(stateDir, { recursive: true })).toEqual(before);
});
