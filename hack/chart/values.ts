import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../run.ts";
import { isRecord, readValues, type Section, type ValueEntry } from "./comments.ts";
import { closed, type JsonSchema, shapes } from "./shapes.ts";

const chart = join(root, "charts/keyturn");
const sections = async (): Promise<readonly Section[]> =>
  readValues(await readFile(join(chart, "values.yaml"), "utf8"));

/** values.schema.json: what the comments and defaults of values.yaml say; every object is closed. */
export async function valuesSchema(): Promise<string> {
  const entries = (await sections()).flatMap((section) => section.entries);
  const below = (path: readonly string[]): Record<string, JsonSchema> =>
    Object.fromEntries(
      entries
        .filter((one) => one.path.length === path.length + 1 && path.every((key, at) => one.path[at] === key))
        .map((one) => [one.path.at(-1) ?? "", schemaOf(one, below)]),
    );
  const comment = "Generated from values.yaml by npm run generate";
  // What Helm hands to a chart that is part of another: what the other one says to all its parts, and what its condition reads
  const all = below([]);
  const global = { ...all["global"], additionalProperties: true };
  const enabled = { enum: [true], description: "What the condition of a chart reads that has this one as a part." };
  const properties = { enabled, ...all, global };
  const schema = { $schema: "http://json-schema.org/draft-07/schema#", $comment: comment, ...closed(properties) };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

function schemaOf(entry: ValueEntry, below: (path: readonly string[]) => Record<string, JsonSchema>): JsonSchema {
  const { shape, ...hints } = entry.hints;
  const said = { ...(entry.text !== "" && { description: entry.text }) };
  if (typeof shape === "string") {
    const known = shapes[shape];
    if (known === undefined) throw unclear(entry, `must name a shape of hack/chart/shapes.ts, names "${shape}"`);
    return { ...said, ...known, ...hints };
  }
  if (isRecord(entry.value)) {
    const properties = below(entry.path);
    if (Object.keys(properties).length === 0) throw unclear(entry, "must have a shape, being empty");
    return closed(properties, said);
  }
  if (Array.isArray(entry.value)) throw unclear(entry, "must have a shape, being a list");
  return { ...said, type: typeName(entry), ...hints };
}

function typeName({ value, ...entry }: ValueEntry): string {
  if (typeof value === "string" || typeof value === "boolean") return typeof value;
  if (Number.isInteger(value)) return "integer";
  throw unclear({ ...entry, value }, "must be a text, a whole number or true or false");
}

const unclear = ({ path }: ValueEntry, problem: string): Error =>
  new Error(`Cannot make a schema of ${path.join(".")}: it ${problem}`);

/** The chart's README: an introduction, and a table for each section of values.yaml. */
export async function chartReadme(): Promise<string> {
  const introduction = await readFile(join(root, "hack/chart/README.md"), "utf8");
  const tables = (await sections()).map(({ title, entries }) => {
    const rows = entries.filter((one) => one.text !== "").map(row);
    return [`### ${title}`, "", "| value | what it does | default |", "| --- | --- | --- |", ...rows, ""].join("\n");
  });
  return `<!-- Generated from values.yaml and hack/chart/README.md by npm run generate -->\n\n${introduction}\n${tables.join("\n")}`;
}

function row({ path, text, hints, value }: ValueEntry): string {
  const choices = Array.isArray(hints["enum"]) ? ` One of ${hints["enum"].map((one) => code(one)).join(", ")}.` : "";
  const cells = [code(path.join(".")), `${text}${choices}`, code(JSON.stringify(value))];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

const code = (value: unknown): string => `\`${String(value)}\``;
