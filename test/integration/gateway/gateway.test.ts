import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, inject, onTestFinished, test } from "vitest";
import { root } from "../../../hack/run.ts";
import { proxyTo } from "../../kube/support/proxy.ts";
import { makeRotation, makeScene, quick, type RotationHandle, startController } from "../controller/support/scene.ts";
import { makeSidecarAccount, RealGateway, type Token } from "./support/real-gateway.ts";

const scene = await makeScene("gateways");

const account = (secretName: string): Promise<void> => makeSidecarAccount(scene.namespace, secretName);

async function published(name: string, spec: object = {}): Promise<RotationHandle> {
  startController(scene);
  const rotation = await makeRotation(scene.namespace, name, { ...quick, ...spec });
  await rotation.ready();
  return rotation;
}

let requests = 0;
/** Asks for a rotation, and resolves when another key signs. */
async function rotate(rotation: RotationHandle): Promise<void> {
  const { activeKid } = await rotation.status();
  await rotation.edit({ rotation: { interval: "0s", requestID: `r${requests++}` } });
  await rotation.reaches("rotated", (status) => status.activeKid !== activeKid);
}

/** Answers to valid tokens, by who made and who judged them. */
class Matrix {
  readonly #counts = new Map<string, { valid: number; refused: number }>();
  readonly #gateways: readonly RealGateway[];
  readonly kids = new Set<string>();

  constructor(gateways: readonly RealGateway[]) {
    this.#gateways = gateways;
  }

  get refused(): number {
    return [...this.#counts.values()].reduce((sum, { refused }) => sum + refused, 0);
  }

  get least(): number {
    return Math.min(...[...this.#counts.values()].map(({ valid }) => valid));
  }

  get pairs(): number {
    return this.#counts.size;
  }

  /** Tokens of every gateway, judged by every gateway until they end; as long as `goesOn` says. */
  async traffic(goesOn: () => boolean): Promise<void> {
    const used: Promise<void>[] = [];
    while (goesOn()) {
      for (const maker of this.#gateways) {
        const token = await maker.mint();
        this.kids.add(token.kid);
        for (const judge of this.#gateways) used.push(this.#use(token, maker, judge));
      }
      await pause(100);
    }
    await Promise.all(used);
  }

  async #use(token: Token, maker: RealGateway, judge: RealGateway): Promise<void> {
    const key = `${maker.name} → ${judge.name}`;
    const count = this.#counts.get(key) ?? { valid: 0, refused: 0 };
    this.#counts.set(key, count);
    while (Date.now() < token.expiresAtMs) {
      const status = await judge.verify(token);
      if (Date.now() >= token.expiresAtMs) return;
      if (status === 200) count.valid += 1;
      else count.refused += 1;
      await pause(150);
    }
  }

  toString(): string {
    const rows = [...this.#counts].map(([pair, { valid, refused }]) => `${pair}: ${valid} valid, ${refused} refused`);
    return [...rows.sort(), `${this.kids.size} keys signed`].join("\n");
  }
}

test("three gateways, one of them on a mount that lags: no valid token is refused at any pair, and activation waits", async () => {
  const rotation = await published("orders");
  await account("orders");
  const watching = [await RealGateway.start(rotation, "orders-a"), await RealGateway.start(rotation, "orders-b")];
  const lagging = await RealGateway.start(rotation, "orders-c", { mountOnly: true });
  // As slow as the kubelet is, as quick as a test must be
  let refreshed = Promise.resolve();
  const kubelet = setInterval(() => {
    refreshed = refreshed.then(() => lagging.refreshMount());
  }, 1000);
  onTestFinished(async () => {
    clearInterval(kubelet);
    await refreshed;
  });
  await rotation.reaches("3/3", ({ gateways }) => gateways.summary === "3/3");
  const matrix = new Matrix([...watching, lagging]);
  let isOver = false;
  const traffic = matrix.traffic(() => !isOver);
  let waits = 0;
  for (let rotations = 0; rotations < 3; rotations++) {
    const { activeKid } = await rotation.status();
    await rotation.edit({ rotation: { interval: "0s", requestID: `r${requests++}` } });
    const { activeKid: signer = "" } = await rotation.reaches("rotated", (status) => {
      if (status.gateways.waitingFor.includes(lagging.name)) waits += 1;
      return status.activeKid !== activeKid;
    });
    while (!matrix.kids.has(signer)) await pause(50);
  }
  isOver = true;
  await traffic;
  const report = String(matrix);
  console.log(report);
  await mkdir(join(root, "reports"), { recursive: true });
  await writeFile(join(root, "reports", "gateway-matrix.txt"), `${report}\n`);
  expect(matrix.refused).toBe(0);
  expect(matrix.pairs).toBe(9);
  expect(matrix.least).toBeGreaterThan(5);
  expect(matrix.kids.size).toBeGreaterThanOrEqual(4);
  expect(waits).toBeGreaterThan(0);
});

test("a gateway acknowledges as its pod what it has, and takes a revocation over at once", async () => {
  const rotation = await published("billing");
  await account("billing");
  const gateway = await RealGateway.start(rotation, "billing-a");
  const { activeKid = "", keys } = await rotation.status();
  const { metadata, ...stated } = await gateway.ack();
  expect(metadata).toMatchObject({
    // An acknowledgement is true of the pod that runs: no restore may bring it back
    labels: { "keyturn.dev/rotation": "billing", "velero.io/exclude-from-backup": "true" },
    ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "billing-a", uid: gateway.uid }],
  });
  expect(stated).toMatchObject({ rotation: "billing", podName: "billing-a", signs: activeKid });
  expect([...(stated["verifies"] as string[])].sort()).toEqual(keys.map(({ kid }) => kid).sort());
  expect(await gateway.get("/readyz")).toContain("readyz check passed");

  const token = await gateway.mint();
  expect(await gateway.verify(token)).toBe(200);
  await rotation.edit({ revokedKids: [{ kid: activeKid, reason: "a test" }] });
  await rotation.reaches("revoked", (status) => status.activeKid !== activeKid);
  while ((await gateway.verify(token)) === 200) {
    expect(Date.now()).toBeLessThan(token.expiresAtMs);
    await pause(20);
  }
  expect(await gateway.get("/.well-known/jwks.json")).not.toContain(activeKid);
  expect((await gateway.mint()).kid).not.toBe(activeKid);
  expect(gateway.lines.join("\n")).not.toMatch(/eyJ|"d":|BEGIN/);
});

test("a gateway whose connections break goes on, and catches up", async () => {
  const rotation = await published("search");
  await account("search");
  const proxy = await proxyTo(inject("cluster").connection.server);
  const gateway = await RealGateway.start(rotation, "search-a", { server: proxy.server });
  const before = await gateway.mint();
  proxy.cut();
  expect(await gateway.verify(before)).toBe(200);
  // It waits for this gateway's ack: were it deaf, it would wait for ever
  await rotate(rotation);
  await rotation.reaches("1/1", ({ gateways }) => gateways.summary === "1/1");
  expect((await gateway.mint()).kid).toBe((await rotation.status()).activeKid);
});
