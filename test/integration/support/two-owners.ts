import { pathOf } from "../../../hack/testcluster/apply.ts";
import { ApiError, type KubeObject } from "../../../hack/testcluster/client.ts";
import { admin } from "./scene.ts";

/**
 * What a second owner is refused who says the same as the first. A field that is owned as a whole (a fieldRef, a list of rules) is another
 * one once the API server has filled it in: whoever applies the same text under another name (Helm after kubectl, Flux after Helm) would
 * be refused for saying what already stands there.
 */
export async function conflictsIn(objects: readonly KubeObject[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const object of objects) found.push(...(await conflictsOf(object)));
  return found;
}

async function conflictsOf(object: KubeObject): Promise<readonly string[]> {
  const path = await pathOf(admin, object);
  const applyAs = (manager: string): Promise<KubeObject> =>
    admin.request("PATCH", `${path}?fieldManager=${manager}`, { body: object, as: "apply" });
  try {
    await applyAs("first");
    await applyAs("second");
    return [];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [`${object.kind} ${object.metadata.name}: ${error.message}`];
  } finally {
    await admin.remove(path);
  }
}
