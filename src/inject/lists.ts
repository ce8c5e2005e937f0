import { isDeepStrictEqual } from "node:util";
import { type Document, isCollection, isMap, isScalar, type YAMLSeq } from "yaml";
import { listAt, mapAt, type Path, plainOf, seqAt, valueAt } from "./manifest.ts";
import { isObject, itemsOf, type Members } from "../parse/object.ts";

/** Puts an item into a list of named ones: over the one of its name, else at the beginning. @throws as {@link mapAt} */
export function putNamed(document: Document, path: Path, item: Members): void {
  const list = seqAt(document, path);
  const index = indexOf(list, item["name"]);
  if (index >= 0) list.items[index] = settled(document, list.items[index], item);
  else list.items.unshift(document.createNode(item));
}

/** Makes an object at the root say this. @throws as {@link mapAt} */
export function settleRoot(document: Document, value: Members): boolean {
  if (isDeepStrictEqual(plainOf(document.toJS()), value)) return false;
  settled(document, mapAt(document, []), value);
  return true;
}

/** A node with this value: the one that is there, changed where it differs alone, so that comments and forms of the rest stay. */
function settled(document: Document, node: unknown, value: unknown): unknown {
  const found = isCollection(node) || isScalar(node) ? plainOf(node.toJS(document)) : undefined;
  if (isDeepStrictEqual(found, value)) return node;
  if (!isMap(node) || !isObject(value) || node.items.some(({ key }) => isScalar(key) && key.source === "<<")) {
    return document.createNode(value);
  }
  for (const name of Object.keys(isObject(found) ? found : {})) if (!(name in value)) node.delete(name);
  for (const [name, member] of Object.entries(value)) node.set(name, settled(document, node.get(name, true), member));
  return node;
}

/** Takes the items of these names out of a list of named ones, and an empty list with them. @throws as {@link mapAt} */
export function dropNamed(document: Document, path: Path, names: readonly string[]): void {
  if (!listAt(document, path).some((one) => isOneOf(names, one["name"]))) return;
  const list = seqAt(document, path);
  list.items = list.items.filter((one) => !isMap(one) || !isOneOf(names, one.get("name")));
  dropIfEmpty(document, path);
}

const isOneOf = (names: readonly string[], name: unknown): boolean => typeof name === "string" && names.includes(name);

/** Puts a number into a list of them. @throws as {@link mapAt} */
export function putNumber(document: Document, path: Path, number: number): void {
  if (!numbersAt(document, path).includes(number)) seqAt(document, path).add(document.createNode(number));
}

/** Takes a number out of a list of them, and what is empty then. @throws as {@link mapAt} */
export function dropNumber(document: Document, path: Path, number: number): void {
  const index = numbersAt(document, path).indexOf(number);
  if (index < 0) return;
  seqAt(document, path).items.splice(index, 1);
  dropIfEmpty(document, path);
  dropIfEmpty(document, path.slice(0, -1));
}

function numbersAt(document: Document, path: Path): readonly number[] {
  return itemsOf(valueAt(document, path)).map(Number);
}

/** Takes a member away, and the object around it where nothing else is in it. @throws as {@link mapAt} */
export function dropMember(document: Document, path: Path): void {
  if (valueAt(document, path) === undefined) return;
  mapAt(document, path.slice(0, -1)).delete(path.at(-1));
  dropIfEmpty(document, path.slice(0, -1));
}

/** Takes an object or a list away that has nothing in it. */
export function dropIfEmpty(document: Document, path: Path): void {
  const found = document.getIn(path);
  if (isCollection(found) && found.items.length === 0) document.deleteIn(path);
}

const indexOf = (list: YAMLSeq, name: unknown): number =>
  list.items.findIndex((one) => isMap(one) && one.get("name") === name);
