import { expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../../hack/testcluster/client.ts";
import { inject } from "../../src/inject/inject.ts";
import { admin, makeNamespace } from "./support/scene.ts";

const security = {
  runAsNonRoot: true,
  runAsUser: 1000,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};
const folders: Readonly<Record<string, (namespace: string) => string>> = {
  Pod: (namespace) => `/api/v1/namespaces/${namespace}/pods`,
  ServiceAccount: (namespace) => `/api/v1/namespaces/${namespace}/serviceaccounts`,
  Role: (namespace) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`,
  RoleBinding: (namespace) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`,
};

/** What the API server makes of each object, Pod last: it must have its account. */
async function applied(namespace: string, pod: object): Promise<readonly KubeObject[]> {
  const { manifest } = inject(JSON.stringify(pod), {
    namespace,
    gateway: {
      ...{ rotation: "on", secretName: "1e3", image: "keyturn:1", flags: ["--mint-listen=127.0.0.1:8081"] },
      issuerToken: { audience: "keyturn-issuer", caConfigMap: "issuer-ca" },
      ports: { "--port": 8080, "--admin-port": 9090, "--mint-listen": 8081 },
    },
    agent: {
      ...{ image: "keyturn:1", keeps: { identity: "default" }, flags: ["--issuer=https://issuer.example"] },
      issuerToken: { audience: "keyturn-issuer", caConfigMap: "issuer-ca" },
      ports: { "--agent-admin-port": 9091 },
    },
  });
  const objects = parseAllDocuments(manifest, { version: "1.1" }).map((document) => document.toJS() as KubeObject);
  const answers: KubeObject[] = [];
  for (const object of objects.toReversed()) {
    answers.push(await admin.create(folders[object.kind]?.(namespace) ?? "", object));
  }
  return answers;
}

it("what inject prints, a namespace takes that enforces the Pod Security Standard restricted", async () => {
  const namespace = await makeNamespace("inject");
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await admin.merge(`/api/v1/namespaces/${namespace}`, { metadata: { labels } });
  const pod = (securityContext: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "orders" },
    spec: { containers: [{ name: "app", image: "orders:1", securityContext }] },
  });
  const objects = await applied(namespace, pod(security));
  expect(objects.map(({ kind }) => kind)).toEqual(["RoleBinding", "Role", "ServiceAccount", "Pod"]);
  expect(objects.at(-1)).toMatchObject({ metadata: { labels: { "keyturn.dev/rotation": "on" } } });
  const token = { path: "token", audience: "keyturn-issuer", expirationSeconds: 3600 };
  expect(objects.at(-1)).toMatchObject({
    spec: {
      volumes: expect.arrayContaining([
        expect.objectContaining({
          name: "keyturn-issuer",
          projected: expect.objectContaining({
            sources: expect.arrayContaining([{ serviceAccountToken: token }]) as unknown,
          }) as unknown,
        }),
      ]) as unknown,
    },
  });
  // The namespace would have said no
  const privileged = { apiVersion: "v1", kind: "Pod", metadata: { name: "other" }, spec: pod({}).spec };
  await expect(admin.create(`/api/v1/namespaces/${namespace}/pods`, privileged)).rejects.toThrow(
    "violates PodSecurity",
  );
});
