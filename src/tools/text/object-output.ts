import { rotations } from "../../parse/api-names.ts";
import { documentText, type DocumentFormat } from "./output.ts";
import type { Template } from "./template.ts";

/** How an object is written for programs; kubectl has the same. */
export type ObjectFormat = DocumentFormat | "name" | Template;

/** Not for people. */
export const isForPrograms = (output: ObjectFormat | "wide" | undefined): output is ObjectFormat =>
  output !== undefined && output !== "wide";

/** As the API has it. */
interface NamedObject {
  readonly metadata: { readonly name: string };
}

/** One object. Nothing comes behind what a template has. */
export function objectText(object: NamedObject, format: ObjectFormat): string {
  if (format === "name") return `${nameOf(object)}\n`;
  return typeof format === "object" ? format.render(object) : documentText(object, format);
}

/** Several as one list; of names a line each. */
export function listText(items: readonly NamedObject[], format: ObjectFormat): string {
  if (format === "name") return items.map((item) => objectText(item, format)).join("");
  const list = { apiVersion: "v1", kind: "List", items };
  return typeof format === "object" ? format.render(list) : documentText(list, format);
}

const nameOf = ({ metadata }: NamedObject): string =>
  `${rotations.kind.toLowerCase()}.${rotations.group}/${metadata.name}`;
