import { listAt, type Part, textAt } from "./manifest.ts";
import type { Account } from "./rights.ts";
import type { Workload } from "./workloads.ts";

/**
 * The account of the pods: the one they have, or one of their own, since others may have the default one.
 *
 * @param otherwise - The namespace where the workload names none
 */
export function accountOf({ part: { document }, pod, name, namespace }: Workload, otherwise?: string): Account {
  const spec = [...pod, "spec"];
  const named = textAt(document, [...spec, "serviceAccountName"]) || textAt(document, [...spec, "serviceAccount"]);
  const own = `${name}-keyturn`;
  const had = named === "" ? defaultAccount : named;
  const used = had === defaultAccount ? own : had;
  const place = namespace ?? otherwise;
  return { name: used, had, isOwn: used === own, ...(place !== undefined && { namespace: place }) };
}

/** Who pods are that name no account. */
export const defaultAccount = "default";

/**
 * Names of image pull secrets that a manifest gives this account, and the one that the pods had before.
 *
 * @param accounts - The service accounts of the manifest
 */
export function pullSecretsOf({ name, had, namespace }: Account, accounts: readonly Part[]): readonly string[] {
  const ours = accounts.filter(({ document }) => {
    const place = textAt(document, ["metadata", "namespace"]) || namespace;
    return [name, had].includes(textAt(document, ["metadata", "name"])) && place === namespace;
  });
  return ours.flatMap(({ document }) => listAt(document, ["imagePullSecrets"]).map((one) => String(one["name"])));
}
