import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root } from "../../../hack/run.ts";
import { apply, readManifests } from "../../../hack/testcluster/apply.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { everything, issuer, render } from "../../chart/support/render.ts";
import { admin, makeNamespace } from "../support/scene.ts";
import { conflictsIn } from "../support/two-owners.ts";
import { removeDefinitions } from "./support/release.ts";

const namespace = await makeNamespace("owners");

beforeAll(async () => {
  for (const object of await readManifests(join(root, "crds"))) await apply(admin, object);
});
afterAll(removeDefinitions);

const isKnown = ({ apiVersion, kind }: Pick<KubeObject, "apiVersion" | "kind">): boolean =>
  !/^(?:monitoring\.coreos\.com|gateway\.networking)/.test(apiVersion) && kind !== "CustomResourceDefinition";

it("what the chart renders, with all that it has, says what the API server would fill in where it counts", async () => {
  const jwks = {
    enabled: true,
    rotation: "gateway",
    revocations: { url: "https://issuer.example/v1/revocations", caConfigMap: "issuer-ca" },
  };
  const own = { ...everything, watchNamespaces: [namespace], jwks, issuer: { ...everything.issuer, namespace } };
  const rotations = everything.rotations.map((one) => ({ ...one, namespace }));
  const values = { ...own, rotations, crds: { enabled: false } };
  const onSqlite = await render({ ...values, issuer: { ...issuer, namespace } }, { namespace });
  const objects = [...(await render(values, { namespace })), ...onSqlite].filter(isKnown);
  expect(objects.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["ValidatingAdmissionPolicy", "Ingress"]));
  expect(await conflictsIn(objects as unknown as readonly KubeObject[])).toEqual([]);
});
