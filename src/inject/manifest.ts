import { type Document, isMap, isSeq, parseAllDocuments } from "yaml";
import { ChangeNeededError } from "../ring/errors.ts";
import { type Fields, isFields } from "./sidecar.ts";

/** Members and indices from the root of a document. */
export type Path = readonly (string | number)[];

/** @throws ChangeNeededError `ManifestUnreadable` */
export function readManifest(text: string): Document.Parsed[] {
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
  const same = (path: Path): ((document: Document) => boolean) => {
    const wanted = path.reduce<unknown>((at, key) => (isFields(at) ? at[key] : undefined), fields) ?? "";
    return (document) => textAt(document, path) === wanted;
  };
  const tests = [same(["kind"]), same(["metadata", "name"]), same(["metadata", "namespace"])];
  const there = documents.find((document) => tests.every((test) => test(document)));
  if (there) there.contents = there.createNode(fields) as typeof there.contents;
  else documents.push(newDocument(fields));
}

function newDocument(fields: Fields): Document {
  const [document] = parseAllDocuments(JSON.stringify(fields));
  if (!document) throw new TypeError("An object must be a document");
  document.contents = document.createNode(fields) as typeof document.contents;
  return document;
}

/** Puts an item into a list of named ones: over the one of its name, else at that end. */
export function putNamed(document: Document, path: Path, item: Fields, end: "first" | "last"): void {
  const node = document.createNode(item);
  const list = document.getIn(path, true);
  if (!isSeq(list)) {
    document.setIn(path, document.createNode([item]));
    return;
  }
  const index = list.items.findIndex((one) => isMap(one) && one.get("name") === item["name"]);
  if (index >= 0) list.items[index] = node;
  else if (end === "first") list.items.unshift(node);
  else list.items.push(node);
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
