import { Document, isMap, isSeq, parseAllDocuments } from "yaml";
import { ChangeNeededError } from "../ring/errors.ts";
import { type Fields, isFields } from "./sidecar.ts";

/** Members and indices from the root of a document. */
export type Path = readonly (string | number)[];

/** @throws ChangeNeededError `ManifestUnreadable` */
export function readManifest(text: string): Document[] {
  const parsed = parseAllDocuments(text);
  const documents = Array.isArray(parsed) ? parsed : [];
  for (const { errors } of documents) {
    const [first] = errors;
    if (first) throw new ChangeNeededError("ManifestUnreadable", `Cannot read the manifest: ${first.message}`);
  }
  const filled = documents.filter(({ contents }) => contents !== null);
  if (filled.some((document) => textAt(document, ["kind"]) === "List")) {
    throw new ChangeNeededError(
      "ManifestUnreadable",
      "Cannot inject into a List: must be documents with --- between them",
    );
  }
  return filled;
}

export function manifestOf(documents: readonly Document[]): string {
  const texts = documents.map((document) => {
    if (document.directives) document.directives.docStart = null;
    return document.toString({ lineWidth: 0, flowCollectionPadding: false });
  });
  return texts.join("---\n");
}

/** Adds the object to the manifest, or replaces it there. */
export function put(documents: Document[], fields: Fields): void {
  const added = new Document(fields);
  const identity = (document: Document): string =>
    ["kind", "name", "namespace"]
      .map((name) => textAt(document, name === "kind" ? [name] : ["metadata", name]))
      .join(" ");
  const index = documents.findIndex((document) => identity(document) === identity(added));
  if (index >= 0) documents[index] = added;
  else documents.push(added);
}

/** Puts an item into a list of named ones: over the one of its name, else at the beginning. */
export function putNamed(document: Document, path: Path, item: Fields): void {
  const node = document.createNode(item);
  const list = document.getIn(path, true);
  if (!isSeq(list)) {
    document.setIn(path, document.createNode([item]));
    return;
  }
  const index = list.items.findIndex((one) => isMap(one) && one.get("name") === item["name"]);
  if (index >= 0) list.items[index] = node;
  else list.items.unshift(node);
}

export function listAt(document: Document, path: Path): readonly Fields[] {
  const node = document.getIn(path, true);
  const items: unknown = isSeq(node) ? node.toJS(document) : [];
  return Array.isArray(items) ? items.filter(isFields) : [];
}

export function textAt(document: Document, path: Path): string {
  const value = document.getIn(path);
  return typeof value === "string" ? value : "";
}

export const valueAt = (document: Document, path: Path): unknown => document.getIn(path);

export const hasList = (document: Document, path: Path): boolean => isSeq(document.getIn(path, true));
