// Writes deploy/keyturn.yaml, for who installs with kubectl alone: what real Helm renders of the defaults, without the marks
// of a release. Not part of npm run generate, which needs no Helm; a test of the suite "chart" holds it fresh.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { format, resolveConfig } from "prettier";
import { parseAllDocuments, stringify } from "yaml";
import { helm } from "../helm.ts";
import { root } from "../run.ts";
import { isRecord } from "./comments.ts";

const namespace = "keyturn-system";

/** Where it belongs. */
export const staticFile = join(root, "deploy/keyturn.yaml");

/** The marks by which Helm would take the objects for its own. */
const marks = ["helm.sh/chart", "app.kubernetes.io/managed-by", "helm.sh/resource-policy"];

function unmarked(object: unknown): unknown {
  if (!isRecord(object) || !isRecord(object["metadata"])) return object;
  const clean = (map: unknown): Record<string, unknown> | undefined => {
    if (!isRecord(map)) return undefined;
    const left = Object.entries(map).filter(([key]) => !marks.includes(key));
    return left.length === 0 ? undefined : Object.fromEntries(left);
  };
  const { labels, annotations, ...rest } = object["metadata"];
  return { ...object, metadata: { ...rest, labels: clean(labels), annotations: clean(annotations) } };
}

/** The file's text. */
export async function staticInstall(): Promise<string> {
  const args = ["template", "keyturn", join(root, "charts/keyturn"), "--namespace", namespace];
  const { stdout } = await promisify(execFile)(await helm(4), args, { maxBuffer: 1 << 24 });
  const rendered = parseAllDocuments(stdout).map((document) => unmarked(document.toJS()));
  // With something that whoever applies it owns, as of all others: docs/install.md hands it over to Helm
  const labels = { "app.kubernetes.io/part-of": "keyturn" };
  const objects = [{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } }, ...rendered];
  const text = objects
    .filter((one) => one !== null)
    .map((one) => stringify(one, { lineWidth: 120, aliasDuplicateObjects: false }))
    .join("---\n");
  const origin = "# Generated from charts/keyturn by node hack/chart/static.ts: kubectl apply --server-side -f";
  return format(`${origin}\n${text}`, { ...(await resolveConfig(staticFile)), filepath: staticFile });
}

if (import.meta.main) await writeFile(staticFile, await staticInstall());
