import { isDeepStrictEqual } from "node:util";
import { type Document, isAlias, isCollection, isMap, isScalar, isSeq, type YAMLSeq } from "yaml";
import { itemKey } from "./edits.ts";
import { detach, listAt, mapAt, type Path, plainOf, seqAt, valueAt, within } from "./manifest.ts";
import { isObject, itemsOf, membersOf, type Members } from "../parse/object.ts";

/** Puts an item into a list of named ones: over the one of its name, else at the beginning. @throws as {@link mapAt} */
export function putNamed(document: Document, path: Path, item: Members): void {
  const list = seqAt(document, path);
  const index = indexOf(list, item["name"]);
  if (index >= 0) list.items[index] = settled(document, list.items[index], { value: item });
  else list.items.unshift(document.createNode(item));
}

/** Makes an object at the root say this. @throws as {@link mapAt} */
export function settleRoot(document: Document, value: Members): boolean {
  if (isDeepStrictEqual(plainOf(document.toJS()), value)) return false;
  settled(document, mapAt(document, []), { value });
  return true;
}

interface NewValue<Value = unknown> {
  readonly value: Value;
  /** Where it stands in the object around it. */
  readonly member?: string;
}

/** A node with this value: the one that is there, changed where it differs alone, so that comments and forms of the rest stay. */
function settled(document: Document, node: unknown, { value, member = "" }: NewValue): unknown {
  if (isDeepStrictEqual(valueOf(document, node), value)) return node;
  if (isSeq(node) && Array.isArray(value)) return settledList(document, node, { value, member });
  if (!isMap(node) || !isObject(value) || node.items.some(({ key }) => isScalar(key) && key.source === "<<")) {
    return replaced(document, node, value);
  }
  detach(document, [node]);
  for (const name of Object.keys(membersOf(valueOf(document, node)))) {
    if (name in value) continue;
    detach(document, within(node.get(name, true)));
    node.delete(name);
  }
  for (const [name, one] of Object.entries(value))
    node.set(name, settled(document, node.get(name, true), { value: one, member: name }));
  return node;
}

/** The items that are there, as far as there are such: the same ones first, then those that are told apart by the same key. */
function settledList(document: Document, list: YAMLSeq, { value, member = "" }: NewValue<readonly unknown[]>): YAMLSeq {
  // Where an anchor comes to stand is not known yet
  detach(document, within(list));
  const left = [...list.items];
  const take = (fits: (found: unknown) => boolean): unknown => {
    const index = left.findIndex((one) => fits(valueOf(document, one)));
    return index < 0 ? undefined : left.splice(index, 1)[0];
  };
  const same = value.map((item) => take((found) => isDeepStrictEqual(found, item)));
  list.items = value.map((item, index) => {
    const key = itemKey(member, item);
    const isLike = (found: unknown): boolean => key !== undefined && itemKey(member, found) === key;
    return settled(document, same[index] ?? take(isLike), { value: item });
  });
  return list;
}

/** A new node in the place of the one that is there. A comment before a word stays; one after it was about the old word. */
function replaced(document: Document, node: unknown, value: unknown): unknown {
  detach(document, within(node));
  const made = document.createNode(value);
  if (!isScalar(node) || !isScalar(made)) return made;
  return Object.assign(made, {
    commentBefore: node.commentBefore,
    spaceBefore: node.spaceBefore,
  });
}

function valueOf(document: Document, node: unknown): unknown {
  const own = isAlias(node) ? node.resolve(document) : node;
  return isCollection(own) || isScalar(own) ? plainOf(own.toJS(document)) : undefined;
}

/** Takes the items of these names out of a list of named ones, and an empty list with them. @throws as {@link mapAt} */
export function dropNamed(document: Document, path: Path, names: readonly string[]): void {
  if (!listAt(document, path).some((one) => isOneOf(names, one["name"]))) return;
  const list = seqAt(document, path);
  const goes = (one: unknown): boolean => isMap(one) && isOneOf(names, one.get("name"));
  detach(document, list.items.filter(goes).flatMap(within));
  list.items = list.items.filter((one) => !goes(one));
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
  const parent = mapAt(document, path.slice(0, -1));
  detach(document, within(parent.get(path.at(-1), true)));
  parent.delete(path.at(-1));
  dropIfEmpty(document, path.slice(0, -1));
}

/** Takes an object or a list away that has nothing in it. */
export function dropIfEmpty(document: Document, path: Path): void {
  const found = document.getIn(path);
  if (isCollection(found) && found.items.length === 0) document.deleteIn(path);
}

const indexOf = (list: YAMLSeq, name: unknown): number =>
  list.items.findIndex((one) => isMap(one) && one.get("name") === name);
