import {
  Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { type Members, isObject, objectsIn } from "../parse/object.ts";

/** Members, and indices of lists, from the root of a document. */
export type Path = readonly (string | number)[];

/** One document of a manifest, with its text: that of one which nobody touches stays as it is, to the last byte. */
export interface Part {
  document: Document;
  /** Undefined when the document is to be written anew. */
  text: string | undefined;
}

/** kubectl reads YAML 1.1: `0400` is a mode, and `on` is true. */
const version = { version: "1.1", intAsBigInt: true, prettyErrors: false } as const;

/** What kustomize gives a transformer, and takes back from it. */
const ofTransformer = { apiVersion: "config.kubernetes.io/v1", kind: "ResourceList" } as const;

/** The objects of a manifest, each by itself, and how they are to be printed. */
export interface Manifest {
  readonly parts: readonly Part[];
  /** They came in a ResourceList, and go back in one. */
  readonly isResourceList: boolean;
}

/** @throws ChangeNeededError `ManifestUnreadable`; says where, and quotes nothing: manifests hold Secrets */
export function readManifest(text: string): Manifest {
  const read: Part[] = [];
  let line = 1;
  // What stands on the line of a separator belongs to the document after it
  const pieces = text.replaceAll("\r\n", "\n").split(/^(---(?=\s|$)[^\S\n]*\n?)/m);
  for (const [index, piece] of pieces.entries()) {
    if (index % 2 === 0) read.push(...readPart(piece, line));
    line += piece.split("\n").length - 1;
  }
  return {
    parts: read.flatMap(takenApart),
    isResourceList: read.some(({ document }) => textAt(document, ["kind"]) === ofTransformer.kind),
  };
}

/** The items of a list, at any depth, else the object itself. */
function takenApart(part: Part): readonly Part[] {
  const { document } = part;
  const kind = `${textAt(document, ["apiVersion"])} ${textAt(document, ["kind"])}`;
  if (kind !== "v1 List" && kind !== `${ofTransformer.apiVersion} ${ofTransformer.kind}`) return [part];
  const items: unknown = document.get("items");
  if (!isSeq(items)) return [];
  return items.items.flatMap((_, index) => {
    const own = item(document, items, index);
    if (!isMap(own)) throw unreadable(`item ${index} of the list must be an object, is not`);
    return takenApart({ document: new Document(withoutAliases(own, document), version), text: undefined });
  });
}

/** They stand for something in another item. */
function withoutAliases(node: YAMLMap, document: Document): Node {
  visit(node, { Alias: (_, alias) => own(alias.resolve(document)) });
  return node;

  function own(found: Node | undefined): Node {
    const copy = copyOf(found);
    return isNode(copy) ? copy : document.createNode(copy);
  }
}

function readPart(text: string, firstLine: number): Part[] {
  const document = parseDocument(text, version);
  const [error] = document.errors;
  if (error) {
    const line = firstLine + text.slice(0, error.pos[0]).split("\n").length - 1;
    throw unreadable(`line ${line} must be YAML, is not (${error.code})`);
  }
  if (document.contents === null) return [];
  if (!isMap(document.contents)) throw unreadable(`the document at line ${firstLine} must be an object, is not`);
  mustResolve(document, firstLine);
  return [{ document, text: text.endsWith("\n") ? text : `${text}\n` }];
}

/** Aliases without an anchor, and merges of what is no object, are found out here, and not wherever they are read first. */
function mustResolve(document: Document, firstLine: number): void {
  try {
    plainOf(document.toJS());
  } catch {
    throw unreadable(
      `each alias (*) and merge key (<<) of the document at line ${firstLine} must stand for something before it, one does not`,
    );
  }
}

const unreadable = (problem: string): ChangeNeededError =>
  new ChangeNeededError("ManifestUnreadable", `Cannot read the manifest: ${problem}`);

const form = { lineWidth: 0, flowCollectionPadding: false } as const;

export function manifestOf({ parts, isResourceList }: Manifest): string {
  if (!isResourceList) return parts.map(({ document, text }) => text ?? document.toString(form)).join("---\n");
  const items = parts.map(({ document }) => document.toJS() as unknown);
  return new Document({ ...ofTransformer, items }, { ...version, aliasDuplicateObjects: false }).toString(form);
}

/** A document of its own. */
export function newPart(fields: Members): Part {
  return { document: new Document(fields, version), text: undefined };
}

/** JSON becomes YAML where something is added to it: half of each would be neither. */
export function unfold({ document }: Part): void {
  if (!isMap(document.contents) || document.contents.flow !== true) return;
  visit(document, {
    Collection: (_, node) => {
      node.flow = false;
    },
  });
}

/**
 * The map at the path, made where there is none. An alias on the way becomes a copy of what it stands for, since what is added is for this place
 * alone.
 *
 * @throws ChangeNeededError `ManifestUnreadable` when something else stands there, or is merged in with `<<`
 */
export function mapAt(document: Document, path: Path): YAMLMap {
  let at: Node | null = document.contents;
  for (const [depth, step] of path.entries()) {
    detach(document, [at]);
    at = typeof step === "number" ? item(document, at, step) : child(document, ownMap(at, path.slice(0, depth)), step);
  }
  detach(document, [at]);
  return ownMap(at, path);
}

function ownMap(at: Node | null, path: Path): YAMLMap {
  const where = path.join(".");
  if (!isMap(at)) throw unreadable(`${where} must be an object, is not`);
  if (at.items.some(({ key }) => isScalar(key) && key.source === "<<"))
    throw unreadable(`${where} must be written out, has a merge key (<<)`);
  return at;
}

/** The item of a list. */
function item(document: Document, list: Node | null, index: number): Node | null {
  const found = isSeq(list) ? list.items[index] : undefined;
  if (!isSeq(list) || !isAlias(found)) return isNode(found) ? found : null;
  const own = document.createNode(copyOf(found.resolve(document)));
  list.items[index] = own;
  return own;
}

/** What stands under the name: its own, made as an empty map where nothing does. */
function child(document: Document, parent: YAMLMap, name: string): Node | null {
  const found: unknown = parent.get(name, true);
  if (isAlias(found)) parent.set(name, copyOf(found.resolve(document)));
  else if (!isPresent(parent.get(name))) parent.set(name, document.createNode({}));
  const own: unknown = parent.get(name, true);
  return isNode(own) ? own : null;
}

/** Without anchors: those stay where they are. */
function copyOf(node: Node | undefined): unknown {
  const copy: unknown = node?.clone();
  if (!isNode(copy)) throw unreadable("an alias must have an anchor before it");
  visit(copy, {
    Node: (_, one) => {
      if (!isAlias(one)) delete one.anchor;
    },
  });
  return copy;
}

/** Makes copies of what is an alias of one of these nodes: what becomes of them is for their place alone. */
export function detach(document: Document, nodes: readonly unknown[]): void {
  const anchored = new Set(nodes.filter((one) => isNode(one) && !isAlias(one) && one.anchor !== undefined));
  if (anchored.size === 0) return;
  visit(document, {
    Alias: (_, alias) => {
      const found = alias.resolve(document);
      if (found === undefined || !anchored.has(found)) return undefined;
      const copy = copyOf(found);
      return isNode(copy) ? copy : undefined;
    },
  });
}

/** The node, and all in it. */
export function within(node: unknown): readonly Node[] {
  const found: Node[] = [];
  if (isNode(node)) visit(node, { Node: (_, one) => void found.push(one) });
  return found;
}

const isPresent = (value: unknown): boolean => value !== undefined && value !== null;

/** The list at the path, made where there is none. @throws as {@link mapAt} */
export function seqAt(document: Document, path: Path): YAMLSeq {
  const [parent, name] = [mapAt(document, path.slice(0, -1)), String(path.at(-1))];
  if (!isPresent(parent.get(name))) parent.set(name, document.createNode([]));
  const list = child(document, parent, name);
  if (!isSeq(list)) throw unreadable(`${path.join(".")} must be a list, is not`);
  detach(document, [list]);
  return list;
}

/** The same with numbers in place of BigInts: no field of an object of ours is beyond them. */
export function plainOf(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plainOf);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plainOf(member)]));
}

/** What stands at the path, aliases and merges followed. */
export function valueAt(document: Document, path: Path): unknown {
  const whole = plainOf(document.toJS());
  return path.reduce<unknown>((at, step) => {
    if (Array.isArray(at)) return typeof step === "number" ? at[step] : undefined;
    return isObject(at) ? at[step] : undefined;
  }, whole);
}

export function listAt(document: Document, path: Path): readonly Members[] {
  return objectsIn(valueAt(document, path));
}

export function textAt(document: Document, path: Path): string {
  const value = valueAt(document, path);
  return typeof value === "string" ? value : "";
}
