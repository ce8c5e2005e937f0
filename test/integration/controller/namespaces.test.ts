import { expect, inject, it, onTestFinished, vi } from "vitest";
import { proxyTo } from "../../kube/support/proxy.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";
import { admin, makeNamespace, tokenFor } from "../support/scene.ts";
import {
  account,
  controllerRules,
  makeRotation,
  makeScene,
  quick,
  type RotationHandle,
  type Scene,
  startController,
} from "./support/scene.ts";

const calm = { ...quick, tokens: { ...quick.tokens, maxTTL: "10m" } };
const rbacIn = (namespace: string): string => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;

/** Lets the controller of a scene into another namespace. */
async function admit(scene: Scene, namespace: string): Promise<void> {
  const metadata = { name: account };
  await admin.create(`${rbacIn(namespace)}/roles`, { metadata, rules: await controllerRules() });
  await bind(scene, namespace);
}

async function bind(scene: Scene, namespace: string): Promise<void> {
  await admin.create(`${rbacIn(namespace)}/rolebindings`, {
    metadata: { name: account },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: account },
    subjects: [{ kind: "ServiceAccount", name: account, namespace: scene.namespace }],
  });
}

/** A controller for several namespaces, and what it says of itself in its log and on its port. */
async function start(scene: Scene, namespaces: readonly string[]) {
  const listening = Promise.withResolvers<number>();
  const said: string[] = [];
  const told = new EventTarget();
  const say = (text: string): void => {
    said.push(text);
    told.dispatchEvent(new Event("said"));
  };
  startController(scene, {
    namespaces,
    admin: { host: "127.0.0.1", port: 0 },
    onListening: listening.resolve,
    log: {
      deed: () => undefined,
      failure: () => undefined,
      problem: (_, error) => say(String(error)),
      info: say,
    },
  });
  const port = await listening.promise;
  const ask = async (path: string): Promise<{ status: number; text: string }> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  const says = async (text: string): Promise<void> => {
    while (!said.some((one) => one.includes(text))) {
      await new Promise((resolve) => {
        told.addEventListener("said", resolve, { once: true });
      });
    }
  };
  return { said, ask, says };
}

async function revokes(rotation: RotationHandle): Promise<void> {
  const { activeKid = "" } = await rotation.ready();
  await rotation.edit({ revokedKids: [{ kid: activeKid, reason: "stolen" }] });
  await rotation.reaches("another signer", (status) => status.activeKid !== activeKid);
}

it("a namespace that is not there holds up no other, is named once, and is taken up when it comes", async () => {
  const scene = await makeScene("some");
  const later = `${scene.namespace}-later`;
  const { said, ask, says } = await start(scene, [scene.namespace, later]);
  await revokes(await makeRotation(scene.namespace, "here", calm));

  const { status, text } = await ask("/readyz");
  expect(status).toBe(200);
  expect(text).toContain(
    `[+]watches ok, but these can't be seen: jwtkeyrotations in namespace "${later}": Cannot list`,
  );
  expect(text).not.toContain(`namespace "${scene.namespace}"`);
  const metrics = (await ask("/metrics")).text;
  expect(metrics).toContain(`keyturn_watch_up{namespace="${later}",resource="jwtkeyrotations"} 0`);
  expect(metrics).toContain(`keyturn_watch_up{namespace="${scene.namespace}",resource="pods"} 1`);

  await admin.create("/api/v1/namespaces", { metadata: { name: later } });
  onTestFinished(async () => {
    await admin.remove(`/api/v1/namespaces/${later}`);
  });
  await admit(scene, later);
  for (const kind of ["jwtkeyrotations", "pods", "configmaps", "keyringacks"]) {
    await says(`can see ${kind} in namespace "${later}" again`);
  }
  await revokes(await makeRotation(later, "there", calm));
  expect((await ask("/readyz")).text).toContain("[+]watches ok\n");
  // Once each, however often it was tried
  expect(said.filter((one) => one.includes("Cannot list"))).toHaveLength(4);
});

it("a namespace that is taken away is looked after no longer, others are, and it is again when it is given back", async () => {
  const made = await makeScene("taken");
  const wire = await proxyTo(inject("cluster").connection.server);
  const { ca } = inject("cluster").connection;
  const token = await tokenFor(made.namespace, account);
  const endpoint = fixedEndpoint(wire.server, { tls: { ...(ca !== undefined && { ca }) }, token });
  const scene = { ...made, endpoint };
  const other = await makeNamespace("taken");
  await admit(scene, other);
  const { ask, says } = await start(scene, [scene.namespace, other]);
  const [here, there] = [await makeRotation(scene.namespace, "here", calm), await makeRotation(other, "there", calm)];
  const { activeKid = "" } = await there.ready();
  const ready = `keyturn_ready{namespace="${other}",name="there"} 1`;
  expect((await ask("/metrics")).text).toContain(ready);

  await admin.remove(`${rbacIn(other)}/rolebindings/${account}`);
  // A server ends no watch because of that before its time
  wire.cut();
  await says("jwtkeyrotations.keyturn.dev is forbidden");
  await revokes(here);
  expect((await ask("/metrics")).text).not.toContain(`keyturn_ready{namespace="${other}"`);
  await there.edit({ revokedKids: [{ kid: activeKid, reason: "stolen" }] });

  await bind(scene, other);
  await there.reaches("another signer", (status) => status.activeKid !== activeKid);
  expect((await ask("/metrics")).text).toContain(`keyturn_watch_up{namespace="${other}",resource="jwtkeyrotations"} 1`);
});

it("what may be listed and not watched is named once, and once more when it may be watched", async () => {
  const scene = await makeScene("listed");
  const other = await makeNamespace("listed");
  const rules = await controllerRules();
  const unwatched = rules.map((rule) =>
    rule.resources.includes("pods") ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== "watch") } : rule,
  );
  await admin.create(`${rbacIn(other)}/roles`, { metadata: { name: account }, rules: unwatched });
  await bind(scene, other);
  const { said, ask, says } = await start(scene, [scene.namespace, other]);
  const pods = `pods in namespace "${other}"`;
  await says(`pods is forbidden`);
  await vi.waitFor(
    async () => {
      const [, refused = "0"] =
        /^rest_client_requests_total\{code="403".*\} (\d+)$/m.exec((await ask("/metrics")).text) ?? [];
      expect(Number(refused)).toBeGreaterThanOrEqual(3);
    },
    { timeout: 120_000, interval: 200 },
  );
  expect((await ask("/readyz")).text).toContain(`${pods}: Cannot watch`);
  expect(said.filter((one) => /pods/.test(one))).toHaveLength(1);
  await admin.merge(`${rbacIn(other)}/roles/${account}`, { rules });
  await says(`can see ${pods} again`);
  expect(said.filter((one) => /pods/.test(one))).toHaveLength(2);
});
