import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import type { TlsMaterial } from "../http/agents.ts";
import type { ApiCredentials, Endpoint } from "../kube/endpoint.ts";
import { KubeError } from "../kube/kube-errors.ts";
import { type Members, membersOf } from "../parse/object.ts";
import { ExecCredentials, type ExecCredential } from "./exec-credentials.ts";
import { badKubeConfig, entryNamed, type KubeconfigDocument, readKubeconfig } from "./kubeconfig-files.ts";
import { impersonationOf } from "./impersonation.ts";
import { proxyOf } from "./proxy-of.ts";
import { RenewedTokenFile } from "./renewed-token-file.ts";
import type { Env } from "./terminal.ts";

export interface KubeConfigOptions {
  /** The files of `$KUBECONFIG`, or `~/.kube/config`; of two entries with one name the first counts. */
  readonly files: readonly string[];
  /** One that is not there is passed over. @default false */
  readonly mayMiss?: boolean;
  /** @default the file's current context */
  readonly context?: string;
  /** Instead of the cluster's own; then there need not be a file. */
  readonly server?: string;
  /** For exec plugins, and for proxies. @default nothing */
  readonly env?: Env;
  /** An exec plugin may ask somebody. @default false */
  readonly isTerminal?: boolean;
}

export interface FromKubeConfig {
  readonly endpoint: Endpoint;
  /** Of the context; undefined where it names none. */
  readonly namespace: string | undefined;
  /** Undefined where only a server was named. */
  readonly context: string | undefined;
}

/**
 * Where a kubeconfig leads: with tokens, token files, client certificates, exec plugins, OIDC and proxies. Files are put together, plugins
 * run and proxies chosen as kubectl does; the rest is `@kubernetes/client-node`'s. Connections are ours. After a 401 the files are read,
 * and the plugin is run, again.
 *
 * @throws KubeError `BadKubeConfig`
 */
export function kubeConfigEndpoint(options: KubeConfigOptions): FromKubeConfig {
  let way = wayIn(options);
  const endpoint: Endpoint = {
    server: way.server,
    credentials: () => credentialsOf(way),
    refresh: () => {
      way = wayIn(options);
    },
  };
  return { endpoint, namespace: way.namespace, context: way.context };
}

/** One context of the files. */
interface Way {
  readonly server: string;
  readonly namespace: string | undefined;
  readonly context: string | undefined;
  /** Of each request, with what an exec plugin gave. */
  readonly requestOptions: (given: ExecCredential) => Promise<RequestOptions>;
  readonly user: Members;
  readonly exec?: ExecCredentials;
  readonly tokenFile?: RenewedTokenFile;
}

const nothing: KubeconfigDocument = { clusters: [], users: [], contexts: [] };

function wayIn(options: KubeConfigOptions): Way {
  const { files, mayMiss = false, env = {} } = options;
  const document = documentOf(options, () => readKubeconfig({ files, mayMiss }));
  const context = options.context ?? document.currentContext;
  const found = entryNamed(document.contexts, context, "context");
  if (options.context !== undefined && found === undefined) {
    const names = document.contexts.map(({ name }) => String(name)).join(", ") || "none";
    throw badKubeConfig(files, `must have the context "${options.context}", has ${names}`);
  }
  const entry = membersOf(found);
  const named = membersOf(entryNamed(document.clusters, entry["cluster"], "cluster"));
  // The name in the certificate is that of the cluster's own server
  const cluster = options.server === undefined ? named : { ...named, "tls-server-name": undefined };
  const user = membersOf(entryNamed(document.users, entry["user"], "user"));
  const server = options.server ?? cluster["server"];
  if (typeof server !== "string" || !URL.canParse(server)) {
    const must =
      context === undefined ? "must have a current-context, or --context" : "its context must name a cluster";
    throw badKubeConfig(files, must);
  }
  const proxy = cluster["proxy-url"] ?? proxyOf(new URL(server), env);
  const { exec, tokenFile, ...others } = user;
  const { namespace } = entry;
  return {
    ...{ server, context, user },
    namespace: typeof namespace === "string" && namespace !== "" ? namespace : undefined,
    requestOptions: requestOptionsBy(
      libraryConfig({ ...cluster, server, "proxy-url": proxy }, others, files),
      proxy !== undefined,
    ),
    ...(exec !== undefined && { exec: execOf(exec, { ...cluster, server }, options) }),
    ...(typeof tokenFile === "string" && { tokenFile: new RenewedTokenFile(tokenFile) }),
  };
}

/** Who names a server needs no file. */
function documentOf({ server, files }: KubeConfigOptions, read: () => KubeconfigDocument): KubeconfigDocument {
  try {
    return read();
  } catch (error) {
    if (server === undefined || files.length === 0 || !(error instanceof KubeError && error.code === "NoKubeConfig"))
      throw error;
    return nothing;
  }
}

const execOf = (
  exec: unknown,
  cluster: Members,
  { env = {}, isTerminal = false }: KubeConfigOptions,
): ExecCredentials => new ExecCredentials(membersOf(exec), cluster, { env, isTerminal, nowMs: () => Date.now() });

/** The one cluster and the one user, as the library has them. A plain http server is the user's own choice. */
function libraryConfig(cluster: Members, user: Members, files: readonly string[]): KubeConfig {
  const config = new KubeConfig();
  const isPlain = String(cluster["server"]).startsWith("http:");
  const one = (member: string, held: Members) => [{ name: "one", [member]: held }];
  try {
    config.loadFromString(
      JSON.stringify({
        clusters: one("cluster", { ...cluster, ...(isPlain && { "insecure-skip-tls-verify": true }) }),
        users: one("user", user),
        contexts: one("context", { cluster: "one", user: "one" }),
        "current-context": "one",
      }),
    );
  } catch {
    // A parser's error quotes its source, tokens included
    throw badKubeConfig(files, "must be a kubeconfig");
  }
  return config;
}

/** Only a way through a proxy has an agent: the same one until a certificate or a key is another. */
function requestOptionsBy(config: KubeConfig, isProxied: boolean): Way["requestOptions"] {
  let kept: { readonly fingerprint: string; readonly agent: RequestOptions["agent"] } | undefined;
  return async ({ cert, key }) => {
    const wanted: RequestOptions = {
      headers: {},
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    };
    await (isProxied ? withoutAgents(config) : config).applyToHTTPSOptions(wanted);
    const { agent, ...others } = wanted;
    if (!isProxied) return others;
    const fingerprint = JSON.stringify(tlsOf(others));
    if (kept?.fingerprint !== fingerprint) kept = { fingerprint, agent };
    return { ...others, agent: kept.agent };
  };
}

/** The same but for the agents: the library keeps one for a cluster and a user, whatever their certificates have become. */
function withoutAgents(config: KubeConfig): KubeConfig {
  const anew = new KubeConfig();
  const [clusters, users, contexts] = [config.getClusters(), config.getUsers(), config.getContexts()];
  anew.loadFromOptions({ clusters, users, contexts, currentContext: config.getCurrentContext() });
  return anew;
}

async function credentialsOf({ requestOptions, user, exec, tokenFile }: Way): Promise<ApiCredentials> {
  const given: ExecCredential = (await exec?.credential()) ?? {};
  const wanted = await requestOptions(given);
  const { authorization, ...headers } = lowerCased(wanted.headers);
  const token = (await tokenFile?.read()) ?? given.token ?? /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
  const basic = wanted.auth ? { authorization: `Basic ${Buffer.from(wanted.auth).toString("base64")}` } : {};
  return {
    tls: tlsOf(wanted),
    headers: { ...headers, ...impersonationOf(user), ...basic },
    ...(token !== undefined && { token }),
    // The library keeps its agents, but opens a connection for each call
    ...(typeof wanted.agent === "object" && { agent: Object.assign(wanted.agent, { keepAlive: true }) }),
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
