import { afterAll, expect, inject, onTestFinished, test } from "vitest";
import { ApiError } from "../../../hack/testcluster/client.ts";
import { KubeClient } from "../../../src/kube/client.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";
import { Reflector } from "../../../src/kube/reflector.ts";
import { transportTo } from "../../kube/support/clients.ts";
import { admin, makeNamespace, sees } from "../support/scene.ts";

const namespace = await makeNamespace("definition");
const { server, token, ...tls } = inject("cluster").connection;

const lamps = { group: "test.keyturn.dev", version: "v1", plural: "lamps", kind: "Lamp", namespaced: true };
const apiVersion = `${lamps.group}/${lamps.version}`;
const path = `/apis/${apiVersion}/namespaces/${namespace}/lamps`;
const name = `${lamps.plural}.${lamps.group}`;
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

afterAll(() => admin.remove(`${definitions}/${name}`));

/** What an upgrade changes of a CRD. */
const versions = (description: string) => [
  { name: lamps.version, served: true, storage: true, schema: { openAPIV3Schema: { type: "object", description } } },
];

/** A reflector of all lamps, and what its calls were answered with. */
function reflecting() {
  const codes: string[] = [];
  const problems: string[] = [];
  const seen = new Set<string>();
  let look = (): void => undefined;
  const endpoint = fixedEndpoint(server, { tls, ...(token !== undefined && { token }) });
  const reflector = new Reflector({
    client: new KubeClient(transportTo(endpoint, { onCall: ({ code }) => void codes.push(code) })),
    resource: lamps,
    selection: { namespace },
    onChange: ({ object }) => {
      seen.add(object.metadata.name);
      look();
    },
    onProblem: (problem) => problems.push(String(problem)),
  });
  const stop = new AbortController();
  const run = reflector.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await run;
  });
  const saw = (lamp: string): Promise<void> =>
    new Promise((resolve) => {
      look = () => (seen.has(lamp) ? resolve() : undefined);
      look();
    });
  return { reflector, codes, problems, saw };
}

/** The API server refuses a request that comes while it puts a definition's new storage in the place of the old one. */
async function createLamp(lamp: string): Promise<void> {
  for (;;) {
    try {
      await admin.create(path, { apiVersion, kind: lamps.kind, metadata: { name: lamp } });
      return;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 503)) throw error;
    }
  }
}

test("Reflector misses nothing, and complains of nothing, while the definition of its objects changes", async () => {
  const { group, plural, kind } = lamps;
  const names = { plural, singular: "lamp", kind };
  const spec = { group, scope: "Namespaced", names, versions: versions("0") };
  await admin.create(definitions, { metadata: { name }, spec });
  await sees(`${definitions}?fieldSelector=metadata.name=${name}`, ({ status }) =>
    JSON.stringify(status ?? {}).includes('"Established"'),
  );
  const { reflector, codes, problems, saw } = reflecting();
  await reflector.synced();
  for (let n = 1; n <= 60; n++) {
    await admin.merge(`${definitions}/${name}`, { spec: { versions: versions(String(n)) } });
    await createLamp(`lamp-${n}`);
    await saw(`lamp-${n}`);
  }
  console.log(`60 changes of a definition; a reflector's lists and watches were answered: ${codes.join(" ")}`);
  expect(codes.length).toBeGreaterThan(2);
  expect(problems).toEqual([]);
});
