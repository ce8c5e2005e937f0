import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import type { TlsMaterial } from "../http/agents.ts";
import type { ApiCredentials, Endpoint } from "../kube/endpoint.ts";
import { KubeError } from "../kube/kube-errors.ts";

export interface KubeConfigOptions {
  /** The files of `$KUBECONFIG`, or `~/.kube/config`; of several the first that has a name wins. */
  readonly files: readonly string[];
  /** @default the file's current context */
  readonly context?: string;
}

export interface FromKubeConfig {
  readonly endpoint: Endpoint;
  /** Of the context; undefined where it names none. */
  readonly namespace: string | undefined;
  readonly context: string;
}

/**
 * Where a kubeconfig leads: with tokens, token files, client certificates, exec plugins, OIDC and proxies, as
 * `@kubernetes/client-node` knows them. Connections are ours. After a 401 the files are read, and the plugin is run, again.
 *
 * @throws KubeError `BadKubeConfig`
 */
export function kubeConfigEndpoint(options: KubeConfigOptions): FromKubeConfig {
  let config = load(options);
  const cluster = config.getCurrentCluster();
  const server = cluster?.server;
  if (server === undefined) throw bad(options, "its context must name a cluster");
  const endpoint: Endpoint = {
    server,
    credentials: () => apiCredentialsOf(config),
    refresh: () => {
      config = load(options);
    },
  };
  const context = config.getCurrentContext();
  return { endpoint, namespace: config.getContextObject(context)?.namespace, context };
}

function load(options: KubeConfigOptions): KubeConfig {
  const config = new KubeConfig();
  const [first, ...others] = options.files;
  if (first === undefined) throw bad(options, "must name a file");
  try {
    config.loadFromFile(first);
    for (const file of others) config.mergeConfig(loaded(file), true);
  } catch (error) {
    // A parser's error quotes its source, tokens included; those of the file system say what is wrong
    throw bad(options, error instanceof Error && "syscall" in error ? error.message : "must be a kubeconfig");
  }
  const { context } = options;
  if (context !== undefined && config.getContextObject(context) === null) {
    const names = config.getContexts().map(({ name }) => name);
    throw bad(options, `must have the context "${context}", has ${names.join(", ") || "none"}`);
  }
  if (context !== undefined) config.setCurrentContext(context);
  return config;
}

function loaded(file: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(file);
  return config;
}

async function apiCredentialsOf(config: KubeConfig): Promise<ApiCredentials> {
  const wanted: RequestOptions = { headers: {} };
  try {
    await config.applyToHTTPSOptions(wanted);
  } catch (error) {
    // What a plugin printed and is no JSON stands in the parser's error: a token, perhaps
    if (error instanceof SyntaxError) throw new KubeError("BadCredentials", "the exec plugin must print JSON");
    throw error;
  }
  const { authorization, ...headers } = lowerCased(wanted.headers);
  const token = /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
  const isProxied = config.getCurrentCluster()?.proxyUrl !== undefined;
  const basic = wanted.auth ? { authorization: `Basic ${Buffer.from(wanted.auth).toString("base64")}` } : {};
  return {
    tls: tlsOf(wanted),
    headers: { ...headers, ...basic },
    ...(token !== undefined && { token }),
    // The library keeps its agents, but opens a connection for each call
    ...(isProxied && typeof wanted.agent === "object" && { agent: Object.assign(wanted.agent, { keepAlive: true }) }),
  };
}

function lowerCased(headers: RequestOptions["headers"]): Record<string, string> {
  const entries = Array.isArray(headers) || headers === undefined ? [] : Object.entries(headers);
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function tlsOf({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions): TlsMaterial {
  return {
    ...pem("ca", ca),
    ...pem("cert", cert),
    ...pem("key", key),
    ...(servername !== undefined && { serverName: servername }),
    ...(rejectUnauthorized === false && { insecure: true }),
  };
}

function pem(name: "ca" | "cert" | "key", value: unknown): TlsMaterial {
  if (typeof value === "string") return { [name]: value };
  return Buffer.isBuffer(value) ? { [name]: value.toString("utf8") } : {};
}

const bad = ({ files }: KubeConfigOptions, problem: string): KubeError =>
  new KubeError("BadKubeConfig", `Cannot use the kubeconfig "${files.join(", ")}": ${problem}`);
