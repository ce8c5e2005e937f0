import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { root } from "../../../hack/run.ts";
import { apply, readManifests } from "../../../hack/testcluster/apply.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { runGateway } from "../../../src/gateway/run-gateway.ts";
import type { Ports } from "../../../src/gateway/options.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";
import type { PodSpec } from "../../chart/support/render.ts";
import { quick, RotationHandle } from "../controller/support/scene.ts";
import { admin, makeNamespace, sees, tokenFor } from "../support/scene.ts";
import { makeFolder } from "../tools/support/person.ts";
import { may } from "./support/may.ts";
import { PlayedKubelet } from "./support/kubelet.ts";
import { Release, removeDefinitions, succeeded } from "./support/release.ts";

const namespace = await makeNamespace("parts");
const kubelet = await PlayedKubelet.play(namespace);
const release = new Release({ major: 4, namespace });
const calm = { ...quick, tokens: { ...quick.tokens, maxTTL: "10m" } };
const values = {
  crds: { enabled: false },
  watchNamespaces: [namespace],
  rotations: [{ name: "gateway", secretName: "gateway", ...calm }],
  waitForReady: { enabled: false },
};

beforeAll(async () => {
  for (const object of await readManifests(join(root, "crds"))) await apply(admin, object);
});
afterAll(removeDefinitions);

describe("a release with verifiers", () => {
  const rotation = new RotationHandle(namespace, "gateway");

  it("publishes a key when the gateway of jwks has it, which serves it as an account that reads one ConfigMap", async () => {
    const jwks = { enabled: true, rotation: "gateway", replicaCount: 1 };
    expect(succeeded(await release.install({ ...values, jwks }))).toBe("succeeded");
    const controller = await release.runController();
    const selector = "labelSelector=app.kubernetes.io/component=jwks";
    const pod = await sees(`/api/v1/namespaces/${namespace}/pods?${selector}`, ({ status }) => isRunning(status));
    const waited = await rotation.reaches(
      "waiting for the gateway",
      ({ gateways }) => gateways.waitingFor.length === 1,
    );
    expect(waited.gateways.waitingFor[0]).toContain(pod.metadata.name);

    const front = await serve(pod);
    const { activeKid } = await rotation.ready();
    const answer = await fetch(`http://127.0.0.1:${front}/.well-known/jwks.json`);
    const { keys } = (await answer.json()) as { keys: readonly { kid: string }[] };
    expect(keys.map(({ kid }) => kid)).toContain(activeKid);
    expect(controller.problems).toEqual([]);
    expect(kubelet.problems).toEqual([]);
  });

  it.each([
    [
      "keyturn-controller",
      ["get secrets", "update secrets:gateway-ring", "list pods", "update jwtkeyrotations.keyturn.dev/status"],
      true,
    ],
    ["keyturn-controller", ["update leases.coordination.k8s.io"], true],
    [
      "keyturn-controller",
      ["list secrets", "watch secrets", "delete secrets", "patch secrets", "delete configmaps"],
      false,
    ],
    [
      "keyturn-controller",
      ["update jwtkeyrotations.keyturn.dev", "get secrets default", "get configmaps kube-system"],
      false,
    ],
    ["keyturn-controller", ["create pods", "create serviceaccounts/token", "list nodes"], false],
    [
      "keyturn-jwks",
      ["get configmaps:gateway-public", "watch configmaps:gateway-public", "create keyringacks.keyturn.dev"],
      true,
    ],
    [
      "keyturn-jwks",
      ["get secrets:gateway", "get configmaps:other", "list configmaps", "list pods", "delete keyringacks.keyturn.dev"],
      false,
    ],
  ])("%s may, or may not: %j", async (account, actions, wanted) => {
    for (const action of actions) expect([action, await may({ namespace, account }, action)]).toEqual([action, wanted]);
  });
});

const isRunning = (status: unknown): boolean => (status as { phase?: string } | undefined)?.phase === "Running";

/** `keyturn gateway` with the arguments of the pod and its token; there is no kubelet to mount the ConfigMap. Its port. */
async function serve(pod: KubeObject): Promise<number> {
  const { containers, serviceAccountName } = pod["spec"] as PodSpec;
  const valueOf = (flag: string): string =>
    containers[0].args.find((arg) => arg.startsWith(`--${flag}=`))?.slice(flag.length + 3) ?? "";
  const { server, ca } = inject("cluster").connection;
  const token = await tokenFor(namespace, serviceAccountName, pod);
  const listening = Promise.withResolvers<Ports>();
  const local = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const stop = new AbortController();
  const nothing = (): void => undefined;
  const ended = runGateway({
    sources: {
      ...{
        kind: "cluster",
        ring: "public",
        acks: "required",
        rotation: valueOf("rotation"),
        object: valueOf("object"),
      },
      api: {
        endpoint: fixedEndpoint(server, { tls: { ...(ca !== undefined && { ca }) }, token }),
        ...{ namespace, userAgent: "keyturn-test/1" },
      },
      pod: { name: pod.metadata.name, uid: String(pod.metadata.uid) },
      floorDir: join(await makeFolder(), "floor"),
    },
    ...{ listen: local, adminListen: local, required: {}, owned: [], drainMs: 0, signal: stop.signal },
    ...{ clock: systemClock, chance: Math.random, newId: randomUUID, onListening: listening.resolve },
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  });
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  return (await listening.promise).front;
}

it("Helm 4, told to wait, waits for rotations by itself, and names the one that is not Ready", async () => {
  // No controller runs
  const late = { ...values, rotations: [...values.rotations, { name: "late", ...calm }] };
  const { code, err } = await release.upgrade(late, "--wait", "--timeout", "5s");
  expect(code).toBe(1);
  expect(err).toContain(`resource JwtKeyRotation/${namespace}/late not ready`);
  expect(succeeded(await release.uninstall())).toBe("succeeded");
});

it("two releases of one name stand beside each other in a cluster, each with its own namespaces", async () => {
  const [one, two] = [await makeNamespace("tenant"), await makeNamespace("tenant")];
  for (const tenant of [one, two]) {
    const own = new Release({ major: 3, namespace: tenant });
    expect(succeeded(await own.install({ crds: { enabled: false }, watchNamespaces: [tenant] }))).toBe("succeeded");
    onTestFinished(async () => {
      await own.uninstall();
    });
  }
});
