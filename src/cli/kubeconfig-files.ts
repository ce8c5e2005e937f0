import { readFileSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { parse } from "yaml";
import { errnoOf, fileProblem } from "../errors/errno-words.ts";
import { quotedPath } from "../errors/quote.ts";
import { KubeError } from "../kube/kube-errors.ts";
import { isObject, type Members, membersOf, objectsIn } from "../parse/object.ts";

/** Which files to read: of two entries with one name the first counts, as kubectl has it. */
export interface KubeconfigFiles {
  readonly files: readonly string[];
  /** Those that are not there are passed over: `KUBECONFIG` names where one may be. */
  readonly mayMiss: boolean;
}

/** What the files say together. Every path in it is absolute. */
export interface KubeconfigDocument {
  readonly clusters: readonly Members[];
  readonly users: readonly Members[];
  readonly contexts: readonly Members[];
  readonly currentContext?: string;
}

/** @throws KubeError `BadKubeConfig`, never with a part of a file; or `NoKubeConfig` */
export function readKubeconfig({ files, mayMiss }: KubeconfigFiles): KubeconfigDocument {
  const found = files.map((file) => documentIn(file, mayMiss)).filter((one) => one !== undefined);
  if (found.length === 0) throw noKubeConfig(files);
  const merged = (section: string): readonly Members[] => found.flatMap((one) => objectsIn(one[section]));
  const current = found.map((one) => one["current-context"]).find((one) => typeof one === "string" && one !== "");
  return {
    clusters: merged("clusters"),
    users: merged("users"),
    contexts: merged("contexts"),
    ...(typeof current === "string" && { currentContext: current }),
  };
}

/** There is none at all: who knows the server by other means can do without. */
const noKubeConfig = (files: readonly string[]): KubeError =>
  new KubeError("NoKubeConfig", `Cannot find a kubeconfig: must be there, is not: ${files.map(quotedPath).join(", ")}`);

export const badKubeConfig = (files: readonly string[], problem: string): KubeError =>
  new KubeError("BadKubeConfig", `Cannot use the kubeconfig ${files.map(quotedPath).join(", ")}: ${problem}`);

/** The entry with that name in a section, and what it holds. */
export const entryNamed = (section: readonly Members[], name: unknown, member: string): Members | undefined => {
  const entry = section.find((one) => one["name"] === name);
  return entry && membersOf(entry[member]);
};

function documentIn(file: string, mayMiss: boolean): Members | undefined {
  const text = textIn(file, mayMiss);
  if (text === undefined) return undefined;
  const document = yamlIn(text);
  // An empty file is one without entries
  if (document !== null && !isObject(document)) throw badKubeConfig([file], "must be a kubeconfig");
  return withPaths(membersOf(document), dirname(resolve(file)));
}

function textIn(file: string, mayMiss: boolean): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const isMissing = errnoOf(error) === "ENOENT";
    if (isMissing && mayMiss) return undefined;
    throw badKubeConfig([file], isMissing ? "is not there" : (fileProblem(error) ?? "can't be read"));
  }
}

/** The value of the text; undefined when it is no YAML, whose error would quote it. */
function yamlIn(text: string): unknown {
  try {
    return parse(text, { logLevel: "error" });
  } catch {
    return undefined;
  }
}

/** Members that name a file, from the kubeconfig's own folder. */
const paths = {
  clusters: { holder: "cluster", members: ["certificate-authority"] },
  users: { holder: "user", members: ["client-certificate", "client-key", "tokenFile"] },
} as const;

function withPaths(document: Members, folder: string): Members {
  const from = (path: unknown): unknown => (typeof path === "string" && path !== "" ? resolve(folder, path) : path);
  const sections = Object.entries(paths).map(([section, { holder, members }]) => {
    const entries = objectsIn(document[section]).map((entry) => {
      const held = membersOf(entry[holder]);
      const own: Record<string, unknown> = {};
      for (const name of members) if (name in held) own[name] = from(held[name]);
      const exec = execOf(held, from);
      return { ...entry, [holder]: { ...held, ...own, ...(exec && { exec }) } };
    });
    return [section, entries] as const;
  });
  return { ...document, ...Object.fromEntries(sections) };
}

/** A command with a slash in it is a file; any other is looked for in PATH. */
function execOf(held: Members, from: (path: unknown) => unknown): Members | undefined {
  if (!isObject(held["exec"])) return undefined;
  const { command } = held["exec"];
  const isFile = typeof command === "string" && command.includes(sep);
  return isFile ? { ...held["exec"], command: from(command) } : held["exec"];
}
