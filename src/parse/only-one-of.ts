import { parseAllDocuments } from "yaml";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { quoted, quotedPath } from "../errors/quote.ts";
import { objectIn } from "./json.ts";
import { isObject, membersOf } from "./object.ts";

/**
 * The one object of a kind in a text that `kubectl apply` takes: YAML or JSON, several documents, a List. Other kinds are
 * passed over.
 *
 * @param path - Of the file, for the error
 * @throws ChangeNeededError `ConfigUnreadable`; the text is not quoted, since it may be another file by mistake
 */
export function onlyOneOf(kind: string, text: string, path: string): unknown {
  const found = documentsIn(text, path)
    .flatMap(listed)
    .filter((item) => isObject(item) && item["kind"] === kind);
  if (found.length === 1) return found[0];
  const names = found.map(nameOf).join(", ");
  const has = found.length === 0 ? "has none" : `has ${found.length}: ${names}`;
  throw configError(path, `must hold one ${kind}, ${has}`);
}

/** A config file that can't be used, `ConfigUnreadable`: what must be. */
export const configError = (path: string, must: string): ChangeNeededError =>
  new ChangeNeededError("ConfigUnreadable", `Cannot read config ${quotedPath(path)}: ${must}`);

/** Deeper ones go the slow way. */
const depthOfJson = 64;

function documentsIn(text: string, path: string): readonly unknown[] {
  // As YAML ten thousand identities in one line take many times the memory; what is wrong with a text that says better
  const json = objectIn(text, depthOfJson);
  if (typeof json !== "string") return [json];
  const parsed = parseAllDocuments(text, { prettyErrors: true });
  const documents = "empty" in parsed ? [] : parsed;
  return documents.map((document): unknown => {
    const [error] = document.errors;
    const [at] = error?.linePos ?? [];
    if (error) {
      const flaw = error.code === "DUPLICATE_KEY" ? "has a name twice" : "is neither";
      throw configError(path, `must be YAML or JSON, ${flaw} in line ${at?.line ?? 1}, column ${at?.col ?? 1}`);
    }
    try {
      return document.toJS({ maxAliasCount: 100 });
    } catch {
      throw configError(path, "must be YAML or JSON, has aliases that lead nowhere or to too much");
    }
  });
}

const listed = (document: unknown): readonly unknown[] =>
  isObject(document) && document["kind"] === "List" && Array.isArray(document["items"])
    ? document["items"]
    : [document];

function nameOf(item: unknown): string {
  const { name } = membersOf(membersOf(item)["metadata"]);
  return typeof name === "string" ? quoted(name) : "one without a name";
}
