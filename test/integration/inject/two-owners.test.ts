import { parseAllDocuments } from "yaml";
import { expect, it } from "vitest";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import type { InjectOptions } from "../../../src/inject/inject-options.ts";
import { inject } from "../../../src/inject/inject.ts";
import { makeNamespace } from "../support/scene.ts";
import { conflictsIn } from "../support/two-owners.ts";

const namespace = await makeNamespace("owners");

const plain = `apiVersion: apps/v1
kind: Deployment
metadata: { name: orders }
spec:
  selector: { matchLabels: { app: orders } }
  template:
    metadata: { labels: { app: orders } }
    spec:
      containers: [{ name: app, image: orders:1 }]
`;
const issuerToken = { audience: "keyturn-issuer", caConfigMap: "issuer-ca" };
const ports = { "--port": 8080, "--admin-port": 9090 };
const gateway = { rotation: "keys", image: "keyturn:1", flags: [], ports, issuerToken };
const agent = {
  ...{ image: "keyturn:1", keeps: { identity: "orders" }, issuerToken, flags: ["--issuer=https://tokens.example"] },
  ports: { "--agent-admin-port": 9091 },
};

it.each<[string, InjectOptions]>([
  ["a gateway", { gateway }],
  ["a gateway of public keys", { gateway: { ...gateway, isPublic: true } }],
  ["an agent", { agent }],
  ["an agent with a file", { agent: { ...agent, keeps: { configMap: "agent" }, flags: [] } }],
  ["both", { gateway, agent }],
])("what inject puts there says what the API server would fill in: %s", async (_, options) => {
  const { manifest } = inject(plain, { namespace, ...options });
  const objects = parseAllDocuments(manifest).map((document) => document.toJS() as KubeObject);
  const placed = objects.map(({ metadata, ...rest }): KubeObject => ({
    ...rest,
    metadata: { namespace, ...metadata },
  }));
  expect(await conflictsIn(placed)).toEqual([]);
});
