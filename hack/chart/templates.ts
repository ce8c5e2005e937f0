import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { rotationDefinition } from "../crds/rotation.ts";
import { keyRingAckDefinition } from "../crds/ack.ts";
import { root } from "../run.ts";

// Templates of the chart that are made from what is the truth elsewhere: crds/ and policies/.

/** Text that Helm prints as it is. */
const verbatim = (text: string): string => text.replaceAll("{{", '{{ "{{" }}');

const yamlOf = (value: unknown, indent: number): string =>
  verbatim(stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }))
    .trimEnd()
    .replaceAll(/^(?=.)/gm, " ".repeat(indent));

const origin = (source: string): string => `{{- /* Generated from ${source} by npm run generate */}}`;

const labelsOf = (component: string): string =>
  `  labels:
    {{- include "keyturn.labels" (dict "root" . "component" "${component}") | nindent 4 }}`;

/** The custom resource definitions, if the release is to install them. */
export function crdsTemplate(): string {
  const documents = [rotationDefinition, keyRingAckDefinition].map(
    ({ apiVersion, kind, metadata, spec }) => `---
apiVersion: ${apiVersion}
kind: ${kind}
metadata:
  name: ${metadata.name}
${labelsOf("crds")}
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
spec:
${yamlOf(spec, 2)}
`,
  );
  return `${origin("hack/crds")}\n{{- if .Values.crds.enabled }}\n${documents.join("")}{{- end }}\n`;
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: unknown;
  readonly spec?: object;
}

async function manifestsIn(file: string): Promise<readonly Manifest[]> {
  const text = await readFile(join(root, file), "utf8");
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- ours: tests apply these very files
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

/** What the controller may do, as two named templates. */
export async function rulesTemplate(): Promise<string> {
  const file = "policies/rbac.yaml";
  const manifests = await manifestsIn(file);
  const define = (name: string, kind: string): string => {
    const rules = manifests.find((one) => one.kind === kind)?.rules;
    if (rules === undefined) throw new Error(`Cannot make the chart's rules: ${file} must have a ${kind}`);
    return `\n{{- define "${name}" -}}\n${yamlOf(rules, 0)}\n{{- end }}\n`;
  };
  return origin(file) + define("keyturn.controllerRules", "ClusterRole") + define("keyturn.leaderRules", "Role");
}

const controllersLine = /^(\s*- name: controllers\n\s*expression: ).*$/m;

/** The admission policies: where the controller looks after some namespaces only, bound to those. */
export async function policiesTemplate(): Promise<string> {
  const files = ["policies/ring-objects.yaml", "policies/keyringacks.yaml"];
  const all = await Promise.all(files.map(manifestsIn));
  const documents = all.flat().map(({ apiVersion, kind, metadata, spec = {} }) => {
    const short = metadata.name.replace(/\.keyturn\.dev$/, "");
    // Releases that look after some namespaces only may be many in a cluster
    const name = `{{ include "keyturn.fullname" . }}-${short}{{ if .Values.watchNamespaces }}.{{ .Release.Namespace }}{{ end }}`;
    const body =
      kind === "ValidatingAdmissionPolicy"
        ? yamlOf(spec, 2).replace(controllersLine, '$1{{ include "keyturn.controllers" . | quote }}')
        : `  policyName: ${name}\n${yamlOf({ ...spec, policyName: undefined }, 2)}\n${boundNamespaces}`;
    return `---
apiVersion: ${apiVersion}
kind: ${kind}
metadata:
  name: ${name}
${labelsOf("controller")}
spec:
${body}
`;
  });
  const condition = "{{- if and .Values.controller.enabled .Values.admissionPolicies.enabled }}";
  return `${origin("policies")}\n${whoMayChange}${condition}\n${documents.join("")}{{- end }}\n`;
}

/** A list in CEL, which has the escapes of JSON. */
const whoMayChange = `{{- define "keyturn.controllers" -}}
{{- $own := printf "system:serviceaccount:%s:%s" .Release.Namespace (include "keyturn.controllerAccount" .) }}
{{- prepend .Values.admissionPolicies.allowedUsers $own | toJson }}
{{- end }}
`;

const boundNamespaces = `  {{- with .Values.watchNamespaces }}
  matchResources:
    matchPolicy: Equivalent
    objectSelector: {}
    namespaceSelector:
      matchExpressions:
        - key: kubernetes.io/metadata.name
          operator: In
          values:
            {{- toYaml . | nindent 12 }}
  {{- end }}`;

/** For `kubectl apply --server-side -f`: both definitions in one file. */
export const crdsFile = (): string =>
  `# Generated from hack/crds by npm run generate\n${[rotationDefinition, keyRingAckDefinition]
    .map((crd) => stringify(crd, { lineWidth: 120, aliasDuplicateObjects: false }))
    .join("---\n")}`;
