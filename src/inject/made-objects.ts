import { labels } from "../parse/api-names.ts";
import { membersOf, type Members } from "../parse/object.ts";
import { settleRoot } from "./lists.ts";
import { newPart, type Part, plainOf, textAt, unfold } from "./manifest.ts";
import { type Account, isMadeFor, type ManifestObject } from "./rights.ts";

interface Making {
  /** What the pods need beside them. */
  readonly made: readonly ManifestObject[];
  /** Accounts of workloads that this run leaves alone: what was made for them before stays. */
  readonly left: readonly Account[];
}

/** The parts with these objects: each where it is, else at the end; without those that an earlier run made, and nobody needs any more. */
export function settleMade(parts: readonly Part[], { made, left }: Making): readonly Part[] {
  const wanted = new Map(made.map((object) => [keyOf(object.kind, object.metadata), object]));
  const kept = parts.filter((part) => {
    const said = saidBy(part);
    return said.label === "" || wanted.has(said.key) || left.some((account) => isOf(account, said));
  });
  for (const part of kept) {
    const { key } = saidBy(part);
    const object = wanted.get(key);
    if (object === undefined) continue;
    wanted.delete(key);
    settle(part, object);
  }
  return [...kept, ...[...wanted.values()].map((object) => newPart({ ...object }))];
}

/** What somebody has added stays: annotations, labels, and members that are not ours. */
function settle(part: Part, object: ManifestObject): void {
  const found = membersOf(plainOf(part.document.toJS()));
  const merged = { ...found, ...object, metadata: mergedMetadata(membersOf(found["metadata"]), object.metadata) };
  if (!settleRoot(part.document, merged)) return;
  unfold(part);
  part.text = undefined;
}

const mergedMetadata = (found: Members, ours: ManifestObject["metadata"]): Members => ({
  ...{ ...found, ...ours },
  labels: { ...membersOf(found["labels"]), ...ours.labels },
});

const keyOf = (
  kind: string,
  { name, namespace = "" }: { readonly name: string; readonly namespace?: string | undefined },
): string => `${kind} ${namespace} ${name}`;

function saidBy({ document }: Part) {
  const kind = textAt(document, ["kind"]);
  const name = textAt(document, ["metadata", "name"]);
  const namespace = textAt(document, ["metadata", "namespace"]);
  const label = textAt(document, ["metadata", "labels", labels.sidecar]);
  return { kind, name, namespace, label, key: keyOf(kind, { name, namespace }) };
}

const isOf = (account: Account, said: ReturnType<typeof saidBy>): boolean =>
  isMadeFor(account.name, said) && said.namespace === (account.namespace ?? "");
