import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { admin } from "./scene.ts";

/** Kinds in the order in which Velero restores them: Secrets and ConfigMaps long before custom resources, those by name. */
const foldersOf = (namespace: string): readonly string[] => [
  `/api/v1/namespaces/${namespace}/secrets`,
  `/api/v1/namespaces/${namespace}/configmaps`,
  `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/jwtkeyrotations`,
  `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/keyringacks`,
];

/** What a restore takes away (Velero 1.18: resetMetadata), beside the status. */
const reset = ["generateName", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp"];

export interface Saved {
  readonly folder: string;
  readonly object: KubeObject;
}

/** What Velero saves of a namespace: all that it is not told to leave out. */
export async function veleroBackup(namespace: string): Promise<readonly Saved[]> {
  const all: Saved[] = [];
  for (const folder of foldersOf(namespace)) {
    const { items } = await admin.get<{ items: readonly KubeObject[] }>(folder);
    for (const object of items)
      if (object.metadata.labels?.["velero.io/exclude-from-backup"] !== "true") all.push({ folder, object });
  }
  // The API server makes it for every namespace
  return all.filter(({ object }) => object.metadata.name !== "kube-root-ca.crt");
}

/** Makes each again, as Velero does. @returns what the API server refused, which makes a restore "partially failed" */
export async function veleroRestore(saved: readonly Saved[]): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const { folder, object } of saved) {
    const without = (of: object, names: readonly string[]): object =>
      Object.fromEntries(Object.entries(of).filter(([name]) => !names.includes(name)));
    const metadata = without(object.metadata, [...reset, "ownerReferences", "managedFields"]);
    const labels = { ...object.metadata.labels, "velero.io/backup-name": "b", "velero.io/restore-name": "r" };
    try {
      await admin.create(folder, { ...without(object, ["status"]), metadata: { ...metadata, labels } });
    } catch (error) {
      failures.push(`${folder} ${object.metadata.name}: ${String(error)}`);
    }
  }
  return failures;
}
