import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { root } from "../../../hack/run.ts";
import { apply, pathOf, readManifests } from "../../../hack/testcluster/apply.ts";
import { ApiError, type KubeObject } from "../../../hack/testcluster/client.ts";
import { everything, issuer, render, withSessions } from "../../chart/support/render.ts";
import { admin, exists, gone, makeNamespace } from "../support/scene.ts";
import { removeDefinitions } from "./support/release.ts";

const namespace = await makeNamespace("managers");
const made: string[] = [];

beforeAll(async () => {
  for (const object of await readManifests(join(root, "crds"))) await apply(admin, object);
});
afterEach(async () => {
  for (const path of made.splice(0)) if (!path.includes("customresourcedefinitions")) await removed(path);
});
afterAll(removeDefinitions);

/** Server-side apply without force. @returns the conflict, where there is one */
async function applied(object: KubeObject, manager: string): Promise<string | undefined> {
  const path = await pathOf(admin, object);
  made.unshift(path);
  try {
    await admin.request("PATCH", `${path}?fieldManager=${manager}`, { body: object, as: "apply" });
    return undefined;
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) return `${path}: ${error.message}`;
    throw error;
  }
}

const here = { watchNamespaces: [namespace], rotations: everything.rotations.map((one) => ({ ...one, namespace })) };
const own = { ...everything, ...here, jwks: { ...everything.jwks, namespace } };

// What the API server would fill in stands in the chart where its owner is the whole of a list or a map: else who applies the
// same by another tool has a conflict with the first
it.each([
  ["of the defaults", {}],
  ["with everything", { ...own, issuer: { ...everything.issuer, namespace } }],
  ["on SQLite", { ...own, issuer: { ...issuer, namespace } }],
  ["with sessions", { ...withSessions, ...here, jwks: { ...withSessions.jwks, namespace }, issuer: {} }],
])("two tools that apply the chart %s fight over no field", async (_, values) => {
  const objects = await render(values, { namespace });
  const known = objects.filter(({ apiVersion }) => !/^(?:monitoring\.|gateway\.networking)/.test(apiVersion));
  expect(known.length).toBeGreaterThan(10);
  for (const manager of ["one", "another"])
    for (const object of known) expect(await applied(object as unknown as KubeObject, manager)).toBeUndefined();
});

async function removed(path: string): Promise<void> {
  if (!(await exists(path))) return;
  await admin.remove(path);
  if (path.includes("persistentvolumeclaims") || path.includes("/jobs/")) return;
  await gone(path);
}
