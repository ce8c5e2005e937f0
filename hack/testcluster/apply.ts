import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubeClient, KubeObject } from "./client.ts";

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

/** The address of an object by what it says of itself; the server tells the plural of its kind. */
export async function pathOf(client: KubeClient, { apiVersion, kind, metadata }: KubeObject): Promise<string> {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const { resources } = await client.get<ResourceList>(root);
  const found = resources.find((resource) => resource.kind === kind && !resource.name.includes("/"));
  if (found === undefined) throw new Error(`Cannot find ${apiVersion} ${kind}: the server must know it`);
  const folder = found.namespaced ? `${root}/namespaces/${metadata.namespace ?? "default"}` : root;
  return `${folder}/${found.name}/${metadata.name}`;
}

/** Server-side apply as `kubectl apply --server-side --force-conflicts`; returns what the server made of it. */
export async function apply(client: KubeClient, object: KubeObject, manager = "keyturn-test"): Promise<KubeObject> {
  const path = `${await pathOf(client, object)}?fieldManager=${manager}&force=true&fieldValidation=Strict`;
  const applied = await client.request("PATCH", path, { body: object, as: "apply" });
  if (object.kind === "CustomResourceDefinition") await established(client, path.replace(/\?.*/, ""));
  return applied;
}

/** Every object of a YAML file or of a folder's YAML files, in the order of their names. */
export async function readManifests(path: string): Promise<readonly KubeObject[]> {
  const isFolder = (await stat(path)).isDirectory();
  const names = isFolder ? (await readdir(path)).filter((name) => /\.ya?ml$/.test(name)).sort() : [];
  const texts = await Promise.all((isFolder ? names.map((name) => join(path, name)) : [path]).map(read));
  const documents = texts.flatMap((text) => [...parseAllDocuments(text)]);
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the API server is about to judge it
  return documents.map((document) => document.toJS() as KubeObject | null).filter((object) => object !== null);
}

const read = (file: string): Promise<string> => readFile(file, "utf8");

interface Condition {
  readonly type: string;
  readonly status: string;
}

/** Waits until a custom resource can be used. */
async function established(client: KubeClient, path: string): Promise<void> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const folder = path.slice(0, path.lastIndexOf("/"));
  for await (const { object } of client.watch(`${folder}?fieldSelector=metadata.name=${name}&timeoutSeconds=30`)) {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- a CustomResourceDefinition
    const status = object["status"] as { conditions?: readonly Condition[] | null } | undefined;
    const conditions = status?.conditions ?? [];
    const names = conditions.find(({ type }) => type === "NamesAccepted");
    if (names?.status === "False") throw new Error(`Cannot install ${name}: its names must be free`);
    if (conditions.some(({ type, status }) => type === "Established" && status === "True")) return;
  }
  throw new Error(`Cannot install ${name}: it must become Established within 30 s`);
}
