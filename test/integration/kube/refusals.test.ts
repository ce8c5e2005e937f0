import { afterAll, expect, inject, test, vi } from "vitest";
import { KubeClient } from "../../../src/kube/client.ts";
import { ApiError, isUnknownResource } from "../../../src/kube/kube-errors.ts";
import { configMaps, secrets } from "../../../src/kube/resource.ts";
import { kubeConfigEndpoint } from "../../../src/cli/kubeconfig.ts";
import { transportTo } from "../../kube/support/clients.ts";
import { makeServiceAccount } from "../support/roles.ts";
import { admin, makeNamespace, tokenFor } from "../support/scene.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";

const namespace = await makeNamespace("refusals");
const { endpoint } = kubeConfigEndpoint({ files: [inject("cluster").kubeConfigFile] });
const clientHere = (): KubeClient => new KubeClient(transportTo(endpoint));
const admission = "/apis/admissionregistration.k8s.io/v1";
const value = Buffer.from("a value that nobody may see").toString("base64");
const secret = (name: string) => ({ metadata: { namespace, name, labels: { refused: name } }, data: { key: value } });

/** The refusal, as soon as the server knows what refuses; it never has the value. */
async function refusal(name: string): Promise<ApiError> {
  const client = clientHere();
  const error = await vi.waitFor(
    () =>
      client.create(secrets, secret(name)).then(
        async () => {
          await admin.remove(`/api/v1/namespaces/${namespace}/secrets/${name}`);
          throw new Error("was taken");
        },
        (one: unknown) => one,
      ),
    { timeout: 120_000, interval: 50 },
  );
  if (!(error instanceof ApiError)) throw error;
  expect(JSON.stringify([error, error.message])).not.toContain(value);
  return error;
}

async function make(collection: string, object: { readonly metadata: { readonly name: string } }): Promise<void> {
  await admin.create(`${admission}/${collection}`, object);
  afterAll(async () => {
    await admin.remove(`${admission}/${collection}/${object.metadata.name}`);
  });
}

const objects = (refused: string) => ({
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
  objectSelector: { matchLabels: { refused } },
});
const rules = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["secrets"] };

test("a policy is named, and its words, which may quote, are not repeated", async () => {
  const name = `${namespace}.policy`;
  const validations = [{ expression: "false", messageExpression: "'no: ' + string(object.data['key'])" }];
  const matchConstraints = { ...objects("policy"), resourceRules: [rules] };
  await make("validatingadmissionpolicies", {
    metadata: { name },
    ...{ spec: { failurePolicy: "Fail", matchConstraints, validations } },
  });
  await make("validatingadmissionpolicybindings", {
    metadata: { name },
    ...{ spec: { policyName: name, validationActions: ["Deny"] } },
  });
  const error = await refusal("policy");
  expect(error.refuser).toEqual({ kind: "policy", name, binding: name });
  expect(error.message).toContain(`the admission policy "${name}" (binding "${name}") refuses it`);
});

test("a webhook that can't be asked is named", async () => {
  const name = `${namespace}.webhook.example`;
  const clientConfig = { url: "https://127.0.0.1:1/never" };
  const sideEffects = { sideEffects: "None", admissionReviewVersions: ["v1"], timeoutSeconds: 1 };
  const webhook = { name, clientConfig, rules: [rules], ...objects("webhook"), ...sideEffects };
  await make("validatingwebhookconfigurations", { metadata: { name }, ...{ webhooks: [webhook] } });
  expect((await refusal("webhook")).refuser).toEqual({ kind: "webhook", name });
});

test("a right that is missing is named, with who lacks it", async () => {
  await makeServiceAccount(namespace, "nobody");
  const { server, ca } = inject("cluster").connection;
  const token = await tokenFor(namespace, "nobody");
  const nobody = new KubeClient(
    transportTo(fixedEndpoint(server, { tls: { ...(ca !== undefined && { ca }) }, token })),
  );
  const error = await nobody.create(secrets, secret("rights")).catch((one: unknown) => one);
  const user = `system:serviceaccount:${namespace}:nobody`;
  const refuser = { kind: "rights", user, verb: "create", resource: "secrets", namespace };
  expect(error).toMatchObject({ refuser, action: `create secrets "${namespace}/rights"` });
});

test("a resource without a definition is no bare 404", async () => {
  const gone = { ...configMaps, group: "keyturn.dev", version: "v1alpha1", plural: "nevers", kind: "Never" };
  const error: unknown = await clientHere()
    .list(gone, { namespace })
    .catch((one: unknown) => one);
  expect(isUnknownResource(error)).toBe(true);
  expect(String(error)).toContain("is its definition installed?");
});

test("a field that the server refuses of a Secret is named without its value", async () => {
  const body = { metadata: { namespace, name: "field" }, data: { "not/a/key": value } };
  const error: unknown = await clientHere()
    .create(secrets, body)
    .catch((one: unknown) => one);
  expect(String(error)).toContain('Cannot create secrets "');
  expect(String(error)).toMatch(/data\[not\/a\/key\] \(FieldValueInvalid\) \(422 Invalid\)$/);
  expect(String(error)).not.toContain(value);
});
