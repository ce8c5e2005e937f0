import { keyRingAcks, rotations } from "../../src/parse/api-names.ts";
import { durationPattern } from "../../src/parse/duration.ts";
import { ackSchema } from "./ack.ts";
import type { Schema } from "./schema.ts";
import { specSchema } from "./spec.ts";
import { statusSchema } from "./status.ts";

interface Part {
  readonly title: string;
  readonly schema: Schema;
  /** Before the name of each field. */
  readonly path: string;
}

const parts: readonly Part[] = [
  { title: `${rotations.kind}: spec`, schema: specSchema, path: "spec." },
  { title: `${rotations.kind}: status`, schema: statusSchema, path: "status." },
  { title: keyRingAcks.kind, schema: ackSchema, path: "" },
];

/** docs/api/resources.md: each field of the custom resources, as `kubectl explain` has it. */
export function resourceReference(): string {
  const { group, version } = rotations;
  return `<!-- Generated from hack/crds by npm run generate -->

# The custom resources

Group \`${group}\`, version \`${version}\`. The same in a terminal: \`kubectl explain jkr.spec --recursive\`. What the version promises: [versions](../versions.md).

A **duration** is a text such as \`1h30m\` or \`90s\`: h, m, s and ms, no days. An **instant** is one of RFC 3339 in UTC. \`[]\` is an item of a list, \`.*\` the value of any key.
Unknown fields are refused by \`kubectl\` (\`--validate=strict\`, its default), and dropped by the API server otherwise.

${parts.map(section).join("\n\n")}
`;
}

function section({ title, schema, path }: Part): string {
  const rules = rulesOf(schema).map((rule) => `- ${escaped(rule)}`);
  const table = ["| field | type | what |", "| --- | --- | --- |", ...rowsBelow(schema, path)];
  return [`## ${title}`, "", escaped(schema.description), "", ...rules, "", ...table].join("\n");
}

function rowsBelow(schema: Schema, path: string): readonly string[] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    row(path + name, field, required.has(name)),
    ...rowsBelow(...inside(field, path + name)),
  ]);
}

/** The schema whose fields come next, and what stands before their names. */
function inside(field: Schema, path: string): readonly [Schema, string] {
  if (field.items) return [field.items, `${path}[].`];
  if (field.additionalProperties) return [field.additionalProperties, `${path}.*.`];
  return [field, `${path}.`];
}

function row(path: string, field: Schema, isRequired: boolean): string {
  const said = [
    isRequired ? "**Required.**" : "",
    field.description,
    ...rulesOf(field),
    ...rulesOf(field.items, "Each"),
    ...rulesOf(field.additionalProperties, "Each value"),
  ];
  return `| ${[`\`${path}\``, typeOf(field), said.filter(Boolean).join(" ")].map(escaped).join(" | ")} |`;
}

/** The rules that the API server holds, in their words for people. */
function rulesOf(schema: Schema | undefined, subject = "It"): readonly string[] {
  const rules = schema?.["x-kubernetes-validations"] ?? [];
  return rules.map(({ fieldPath, message }) => {
    if (!message.startsWith("must")) return `${message}.`;
    return `${fieldPath === undefined ? subject : `\`${fieldPath}\``} ${message}.`;
  });
}

function typeOf(field: Schema): string {
  if (field.enum) return field.enum.map((one) => `\`${one}\``).join(", ");
  if (field.pattern === durationPattern) return "duration";
  if (field.format === "date-time") return "instant";
  if (field.items) return `list of ${typeOf(field.items)}`;
  if (field.additionalProperties) return `map of ${typeOf(field.additionalProperties)}`;
  return field.type;
}

const escaped = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
