import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse, stringify } from "yaml";

/** How to reach an API server, and as whom. */
export interface Connection {
  /** Without a path: `https://127.0.0.1:39211`. */
  readonly server: string;
  /** PEM, one certificate or several. Absent: those that Node.js trusts. */
  readonly ca?: string;
  readonly token?: string;
  /** A client certificate and its key, PEM. */
  readonly cert?: string;
  readonly key?: string;
}

/** A kubeconfig with one cluster, one user and one context; what it needs is inside, so it can be copied. */
export interface KubeConfig {
  readonly apiVersion: "v1";
  readonly kind: "Config";
  readonly clusters: readonly { readonly name: string; readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly name: string; readonly user: Readonly<Record<string, string>> }[];
  readonly contexts: readonly {
    readonly name: string;
    readonly context: { readonly cluster: string; readonly user: string };
  }[];
  readonly "current-context": string;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** The kubeconfig that leads where the connection does. `stringify` of `yaml`, or JSON, makes a file of it. */
export function kubeConfigOf({ server, ca, token, cert, key }: Connection): KubeConfig {
  const name = "keyturn-test";
  const user = {
    ...(token !== undefined && { token }),
    ...(cert !== undefined && { "client-certificate-data": base64(cert) }),
    ...(key !== undefined && { "client-key-data": base64(key) }),
  };
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, ...(ca !== undefined && { "certificate-authority-data": base64(ca) }) } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
}

export const kubeConfigText = (connection: Connection): string => stringify(kubeConfigOf(connection));

type Section = Readonly<Record<string, unknown>>;

const isSection = (value: unknown): value is Section => typeof value === "object" && value !== null;

/** The member of a kubeconfig's list that has this name. */
function named(list: unknown, name: unknown, member: string): Section {
  const items: readonly unknown[] = Array.isArray(list) ? list : [];
  const found = items.find((item) => isSection(item) && item["name"] === name);
  const value = isSection(found) ? found[member] : undefined;
  if (isSection(value)) return value;
  throw new Error(`Cannot use the kubeconfig: its current context must name a ${member} that it has`);
}

/** A text of the kubeconfig that is given as it is, as base64 (`…-data`) or as a file's path. */
async function material(section: Section, field: string, folder: string): Promise<string | undefined> {
  const [data, file] = [section[`${field}-data`], section[field]];
  if (typeof data === "string") return Buffer.from(data, "base64").toString();
  return typeof file === "string" ? readFile(resolve(folder, file), "utf8") : undefined;
}

/**
 * The connection of a kubeconfig's current context. Only what tests need: a token or a client certificate, no `exec`
 * plugin, no proxy, no path in the server's address.
 */
export async function connectionOf(kubeConfig: string, folder: string): Promise<Connection> {
  const config: unknown = parse(kubeConfig);
  const root = isSection(config) ? config : {};
  const context = named(root["contexts"], root["current-context"], "context");
  const cluster = named(root["clusters"], context["cluster"], "cluster");
  const user = named(root["users"], context["user"], "user");
  const ca = await material(cluster, "certificate-authority", folder);
  const [cert, key] = [await material(user, "client-certificate", folder), await material(user, "client-key", folder)];
  const token = user["token"];
  if (cert === undefined && typeof token !== "string")
    throw new Error("Cannot use the kubeconfig: its user must have a token or a client certificate");
  return {
    server: String(cluster["server"]),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(typeof token === "string" && { token }),
  };
}

/** {@link connectionOf} of a file, whose folder its relative paths start from. */
export const readKubeConfig = async (file: string): Promise<Connection> =>
  connectionOf(await readFile(file, "utf8"), dirname(file));
