import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { root } from "../../../hack/run.ts";
import { apply, readManifests } from "../../../hack/testcluster/apply.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { runIssuer } from "../../../src/issuer/run-issuer.ts";
import { systemClock } from "../../../src/time/clock.ts";
import type { PodSpec } from "../../chart/support/render.ts";
import { HeardLog } from "../../support/heard-log.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";
import { quick, RotationHandle } from "../controller/support/scene.ts";
import { admin, exists, makeNamespace, makePod, sees, tokenFor } from "../support/scene.ts";
import { makeFolder } from "../tools/support/person.ts";
import { PlayedKubelet } from "./support/kubelet.ts";
import { may } from "./support/may.ts";
import { Release, removeDefinitions, succeeded } from "./support/release.ts";

const namespace = await makeNamespace("issuing");
const kubelet = await PlayedKubelet.play(namespace);
const controllers = new Release({ major: 4, namespace });
const issuers = new Release({ major: 3, namespace, name: "tokens" });
const audience = "keyturn-issuer";
const rotation = new RotationHandle(namespace, "gateway");

const config = {
  clients: [{ id: "app", secretFiles: ["secrets/app"], allow: { audiences: quick.tokens.audiences } }],
  trust: [
    {
      ...{ name: "cluster", issuer: "https://kubernetes.default.svc", tokenReview: {}, audiences: [audience] },
      rules: [
        {
          ...{ name: "all", match: { sub: `system:serviceaccount:${namespace}:*` } },
          subject: "pod:{/kubernetes.io/pod/name}",
          allow: { audiences: quick.tokens.audiences },
        },
      ],
    },
  ],
};
const values = {
  ...{ controller: { enabled: false }, crds: { enabled: false } },
  issuer: {
    ...{ enabled: true, rotation: "gateway", config, persistence: { size: "16Mi" } },
    secretFiles: [{ file: "app", secret: "app-client", key: "secret" }],
  },
};

beforeAll(async () => {
  for (const object of await readManifests(join(root, "crds"))) await apply(admin, object);
  const rotations = [{ name: "gateway", ...quick, tokens: { ...quick.tokens, maxTTL: "10m" } }];
  const around = { crds: { enabled: false }, watchNamespaces: [namespace], waitForReady: { enabled: false } };
  expect(succeeded(await controllers.install({ ...around, rotations }))).toBe("succeeded");
  expect(succeeded(await issuers.install(values))).toBe("succeeded");
});
afterAll(removeDefinitions);

const account = "tokens-keyturn-issuer";
const claim = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${account}`;

describe("a release with an issuer", () => {
  it.each([
    [["get secrets:gateway", "watch secrets:gateway", "create keyringacks.keyturn.dev"], true],
    [["create tokenreviews.authentication.k8s.io"], true],
    [["get secrets:gateway-ring", "list secrets", "get secrets:app-client", "list pods", "get configmaps"], false],
    [["create subjectaccessreviews.authorization.k8s.io", "get jwtkeyrotations.keyturn.dev"], false],
  ])("its account may, or may not: %j", async (actions, wanted) => {
    for (const action of actions) expect([action, await may({ namespace, account }, action)]).toEqual([action, wanted]);
  });

  it("is waited for by the rotation, and exchanges a pod's ServiceAccount token, as its account", async () => {
    const controller = await controllers.runController();
    const selector = "labelSelector=app.kubernetes.io/component=issuer";
    const pod = await sees(`/api/v1/namespaces/${namespace}/pods?${selector}`, ({ status }) => isRunning(status));
    const waited = await rotation.reaches("waiting for the issuer", ({ gateways }) => gateways.waitingFor.length === 1);
    expect(waited.gateways.waitingFor[0]).toContain(pod.metadata.name);

    const port = await serve(pod);
    await rotation.ready();
    const caller = await makePod(namespace, "caller");
    const first = await ask(port, {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: await projectedToken(caller),
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    });
    expect(claimsOf(first)).toMatchObject({ sub: "pod:caller", aud: expect.anything() as unknown });
    const second = await ask(port, { grant_type: "refresh_token", refresh_token: first.refresh_token });
    expect(claimsOf(second)["sid"]).toBe(claimsOf(first)["sid"]);
    expect(controller.problems).toEqual([]);
    expect(kubelet.problems).toEqual([]);
  });

  it("leaves its volume claim when it is uninstalled, and takes it again", async () => {
    const before = await admin.get(claim);
    expect(succeeded(await issuers.uninstall())).toBe("succeeded");
    expect(await exists(claim)).toBe(true);
    expect(succeeded(await issuers.install(values))).toBe("succeeded");
    expect((await admin.get(claim)).metadata.uid).toBe(before.metadata.uid);
    await issuers.uninstall();
    await controllers.uninstall();
  });
});

const isRunning = (status: unknown): boolean => (status as { phase?: string } | undefined)?.phase === "Running";

interface Pair {
  readonly access_token: string;
  readonly refresh_token: string;
}

async function ask(port: number, form: Readonly<Record<string, string>>): Promise<Pair> {
  const body = new URLSearchParams(form);
  const answer = await fetch(`http://127.0.0.1:${port}/oauth2/token`, { method: "POST", body });
  const text = await answer.text();
  expect([answer.status, answer.ok ? "" : text]).toEqual([200, ""]);
  return JSON.parse(text) as Pair;
}

const claimsOf = ({ access_token: token }: Pair): Readonly<Record<string, unknown>> =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;

/** As the kubelet asks for it, for a projected volume. */
async function projectedToken({ metadata }: KubeObject): Promise<string> {
  const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: metadata.name, uid: metadata.uid };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default/token`;
  const answer = await admin.create<{ status: { token: string } }>(path, {
    spec: { audiences: [audience], boundObjectRef },
  });
  return answer.status.token;
}

/** `keyturn issuer` with the arguments of the pod, its token and its ConfigMap; there is no kubelet to mount anything. Its port. */
async function serve(pod: KubeObject): Promise<number> {
  const { containers, serviceAccountName } = pod["spec"] as PodSpec;
  const valueOf = (flag: string): string =>
    containers[0].args.find((arg) => arg.startsWith(`--${flag}=`))?.slice(flag.length + 3) ?? "";
  const folder = await makeFolder();
  const { data } = await admin.get<{ data: Readonly<Record<string, string>> }>(
    `/api/v1/namespaces/${namespace}/configmaps/${account}`,
  );
  await mkdir(join(folder, "secrets"));
  await writeFile(join(folder, "issuer.yaml"), data["issuer.yaml"] ?? "");
  await writeFile(join(folder, "secrets/app"), "0123456789abcdef");
  const { server, ca } = inject("cluster").connection;
  const token = await tokenFor(namespace, serviceAccountName, pod);
  const endpoint = fixedEndpoint(server, { tls: { ...(ca !== undefined && { ca }) }, token });
  const listening = Promise.withResolvers<number>();
  const stop = new AbortController();
  const log = new HeardLog();
  const local = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const ended = runIssuer({
    sources: {
      ...{
        kind: "cluster",
        ring: "signer",
        acks: "required",
        rotation: valueOf("rotation"),
        object: valueOf("object"),
      },
      api: { endpoint, namespace, userAgent: "keyturn-test/1" },
      pod: { name: pod.metadata.name, uid: String(pod.metadata.uid) },
      floorDir: join(folder, "floor"),
    },
    ...{ config: join(folder, "issuer.yaml"), store: `sqlite:${join(folder, "grants.db")}`, apiServer: endpoint },
    ...{ listen: local, drainMs: 0, version: "0.0.0", userAgent: "keyturn-test/1", log, signal: stop.signal },
    ...{ clock: systemClock, chance: Math.random, newId: randomUUID, onListening: ({ api }) => listening.resolve(api) },
  });
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  await Promise.race([log.heard("ready"), ended]);
  return listening.promise;
}
