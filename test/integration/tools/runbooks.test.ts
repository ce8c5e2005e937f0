import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { freePort } from "../../../hack/free-port.ts";
import { parseTokenAgent } from "../../../src/agent/config/read-token-agent.ts";
import { openAgent } from "../../../src/agent/run-agent.ts";
import { sidOf } from "../../../src/issuer/store/grant-row.ts";
import { openGrantStore } from "../../../src/issuer/store/open-grant-store.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { tempDir } from "../../files/temp.ts";
import { HeardLog } from "../../support/heard-log.ts";
import { begin } from "../../issuer/store/support/grants.ts";
import { backUp, damage, expectSound, roles } from "../controller/support/objects.ts";
import { makeScene, type RotationHandle, startController } from "../controller/support/scene.ts";
import { hasKubectl } from "../support/scene.ts";
import { settled } from "./support/settled.ts";
import { openPage } from "./support/typed-page.ts";

const scene = await makeScene("runbooks");
const timeout = 300_000;
const { blocks: runbook, folder, text: page, type } = await openPage("docs/runbooks.md", scene.namespace);

const signer = async (rotation: RotationHandle): Promise<string> => (await rotation.status()).activeKid ?? "";

/** Every object put back as it was then. */
async function restore(rotation: RotationHandle, backup: Awaited<ReturnType<typeof backUp>>): Promise<void> {
  for (const role of roles) await damage(rotation, { role, how: "older", backup });
}

it("rotates, and rolls back", { timeout }, async (context) => {
  if (!hasKubectl) context.skip("no kubectl");
  startController(scene);
  const rotation = await settled(scene, "rotate");
  const first = await signer(rotation);
  const [byTool = "", byKubectl = ""] = runbook("Rotate");
  await type(byTool, "rotate");
  const second = await signer(rotation);
  expect(second).not.toBe(first);
  await rotation.ready();
  await type(byKubectl, "rotate");
  const third = await signer(rotation);
  expect([first, second]).not.toContain(third);
  await rotation.ready();
  const [back = "", on = ""] = runbook("Roll back");
  await type(back, "rotate");
  expect(await signer(rotation)).toBe(second);
  await type(on, "rotate");
  expect((await rotation.ready()).activeKid).toBe(second);
});

it("revokes a key, and all keys", { timeout }, async (context) => {
  if (!hasKubectl) context.skip("no kubectl");
  startController(scene);
  const rotation = await settled(scene, "revoke");
  const first = await signer(rotation);
  const [one = ""] = runbook("Revoke a key");
  await type(one, "revoke");
  expect((await rotation.data("public"))["jwks.json"]).not.toContain(first);
  const left = (await rotation.ready()).keys.map(({ kid }) => kid);
  expect(left).not.toContain(first);
  const [all = ""] = runbook("The Secret leaked");
  await type(all, "revoke");
  const now = (await rotation.ready()).keys.map(({ kid }) => kid);
  for (const kid of left) expect(now).not.toContain(kid);
  await expectSound(rotation);
});

it("recovers from a restored backup, with the keys that are still served elsewhere", { timeout }, async (context) => {
  if (!hasKubectl) context.skip("no kubectl");
  const controller = startController(scene);
  const rotation = await settled(scene, "restored");
  const backup = await backUp(rotation);
  const [rotateIt = ""] = runbook("Rotate");
  const [plain = "", withJwks = ""] = runbook("A backup was restored");
  for (const block of [plain, withJwks]) {
    // Twice: the standby of the backup is not lost, the one after it is
    for (let rotations = 0; rotations < 2; rotations++) {
      await type(rotateIt, "restored");
      await rotation.ready();
    }
    const lost = await signer(rotation);
    const jwks = (await rotation.data("public"))["jwks.json"] ?? "";
    await controller.stop();
    await restore(rotation, backup);
    const again = startController(scene);
    await rotation.stalled("RingRolledBack");
    await type(block, "restored", { JWKS_URL: await serve(jwks) });
    await rotation.ready();
    await expectSound(rotation);
    const verified = (await rotation.data("public"))["jwks.json"]?.includes(lost);
    expect(verified).toBe(block === withJwks);
    await again.stop();
    startController(scene);
  }
});

it("makes a lost Secret again from what is left", { timeout }, async (context) => {
  if (!hasKubectl) context.skip("no kubectl");
  startController(scene);
  const rotation = await settled(scene, "lost");
  const before = await signer(rotation);
  const [again = ""] = runbook("A Secret is lost");
  for (const role of roles) {
    await damage(rotation, { role, how: "gone", backup: await backUp(rotation) });
    await type(again, "lost");
    await rotation.ready();
    await expectSound(rotation);
    expect(await signer(rotation)).toBe(before);
  }
});

/** The address of a server that has this JWKS. */
async function serve(jwks: string): Promise<string> {
  const server = createServer((_, response) => response.end(jwks));
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("A refresh token was used twice: what its subject has is listed, and ends", async () => {
  const location = `sqlite:${join(folder, "grants.db")}`;
  await writeFile(join(folder, "store-url"), location);
  const store = await openGrantStore(location);
  onTestFinished(() => store.close());
  const { row } = await begin(store, { subject: "ops:anna" }, Date.now());
  const [block = ""] = runbook("A refresh token was used twice");
  const said = await type(block, "none");
  expect(said).toContain("active");
  expect(said).toContain(`ended   ${sidOf(row.grant.id)}   ops:anna`);
  expect((await store.find(row.grant.id))?.grant.revoked).toBeDefined();
});

it("An agent gets no token: the table says why", async () => {
  const dir = await tempDir();
  const socket = join(dir, "agent.sock");
  const secretFile = join(dir, "secret");
  await writeFile(secretFile, "secret");
  // Nobody listens there
  const url = `http://127.0.0.1:${await freePort()}`;
  const source = { clientSecret: { clientID: "reports", secretFile } };
  const agentSpec = { issuer: { url }, identities: [{ name: "reports", source }] };
  const file = { apiVersion: "keyturn.dev/v1alpha1", kind: "TokenAgent", metadata: { name: "agent" }, spec: agentSpec };
  const agent = await openAgent({
    told: { kind: "fixed", spec: parseTokenAgent(file, dir) },
    listen: { kind: "unix", path: socket },
    ...{ readyMarginMs: 0, startWithout: true, drainMs: 1000, version: "0.0.0", env: {} },
    ...{ clock: systemClock, chance: Math.random, newId: randomUUID, log: new HeardLog() },
    signal: new AbortController().signal,
  });
  onTestFinished(() => agent.close());
  const [block = ""] = runbook("An agent gets no token");
  const said = await type(block, "none", { KEYTURN_AGENT_SOCKET: socket });
  expect(said).toMatch(/^reports +Always +no token +in .*Unreachable$/m);
  expect(said).toContain(`reports: Cannot get a token: "${url}/oauth2/token" must answer`);
});

it("every runbook with commands was typed", () => {
  const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading = ""]) => heading);
  expect(headings.filter((heading) => runbook(heading).length > 0)).toEqual([
    "Rotate",
    "Roll back",
    "Revoke a key",
    "The Secret leaked",
    "A backup was restored",
    "A Secret is lost",
    "A refresh token was used twice",
    "An agent gets no token",
  ]);
});
