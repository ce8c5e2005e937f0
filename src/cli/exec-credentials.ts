import { type ChildProcessByStdio, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { errnoOf, fileProblem } from "../errors/errno-words.ts";
import { quoted, quotedPath } from "../errors/quote.ts";
import { KubeError } from "../kube/kube-errors.ts";
import { jsonIn } from "../parse/json.ts";
import { itemsOf, type Members, membersOf, objectsIn } from "../parse/object.ts";

/** What a plugin gives: a token, or a client certificate with its key as PEM. */
export interface ExecCredential {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface ExecSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Somebody may be asked at the terminal. */
  readonly isTerminal: boolean;
  nowMs(): number;
}

/**
 * Runs a kubeconfig's exec plugin as kubectl does: with its own standard error, where it tells a person what to do, with
 * `KUBERNETES_EXEC_INFO`, and once until what it gave expires.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export class ExecCredentials {
  readonly #plugin: Members;
  readonly #cluster: Members;
  readonly #around: ExecSurroundings;
  #known: { readonly credential: ExecCredential; readonly endsAtMs: number } | undefined;
  #running: Promise<ExecCredential> | undefined;

  /** @param cluster - The `cluster` of the kubeconfig, of which the plugin is told where it asks for that */
  constructor(plugin: Members, cluster: Members, around: ExecSurroundings) {
    this.#plugin = plugin;
    this.#cluster = cluster;
    this.#around = around;
  }

  /** @throws KubeError `BadCredentials`, never with what the plugin printed */
  async credential(): Promise<ExecCredential> {
    if (this.#known !== undefined && this.#around.nowMs() < this.#known.endsAtMs) return this.#known.credential;
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #run(): Promise<ExecCredential> {
    const status = membersOf(membersOf(jsonIn(await this.#output()))["status"]);
    const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp: ends } = status;
    const credential = { ...text("token", token), ...text("cert", cert), ...text("key", key) };
    if (credential.token === undefined && (credential.cert === undefined || credential.key === undefined)) {
      throw this.#bad("must print JSON", ", an ExecCredential with a token or a certificate");
    }
    const endsAtMs = typeof ends === "string" ? Date.parse(ends) : Infinity;
    this.#known = { credential, endsAtMs: Number.isNaN(endsAtMs) ? Infinity : endsAtMs };
    return credential;
  }

  #output(): Promise<string> {
    const child = this.#start();
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => (output += part));
    return new Promise((resolve, reject) => {
      child.on("error", (error) => {
        reject(errnoOf(error) === "ENOENT" ? this.#missing() : this.#bad("must be a program that may be run"));
      });
      child.on("close", (code, signal) => {
        if (code === 0) resolve(output);
        else reject(this.#bad(`must end with exit code 0, ended with ${String(code ?? signal)}`));
      });
    });
  }

  #start(): ChildProcessByStdio<null, Readable, null> {
    const command = commandOf(this.#plugin);
    if (command === "") throw new KubeError("BadCredentials", "the exec plugin of the kubeconfig must have a command");
    const env: NodeJS.ProcessEnv = { ...this.#around.env, KUBERNETES_EXEC_INFO: JSON.stringify(this.#info()) };
    for (const { name, value } of objectsIn(this.#plugin["env"])) env[String(name)] = String(value);
    const stdin = this.#isInteractive() ? "inherit" : "ignore";
    try {
      return spawn(command, itemsOf(this.#plugin["args"]).map(String), { env, stdio: [stdin, "pipe", "inherit"] });
    } catch (error) {
      // Its message quotes the value, which may be a secret
      const isNul = errnoOf(error) === "ERR_INVALID_ARG_VALUE";
      const must = isNul
        ? "must have no NUL in its command, arguments and variables"
        : "must be a program that may be run";
      throw this.#bad(must);
    }
  }

  #info(): object {
    const { apiVersion, provideClusterInfo } = this.#plugin;
    return {
      apiVersion,
      kind: "ExecCredential",
      spec: {
        interactive: this.#isInteractive(),
        ...(provideClusterInfo === true && { cluster: this.#clusterInfo() }),
      },
    };
  }

  /** The cluster as plugins know it: with the CA itself, not its file, and with what the kubeconfig has for plugins. */
  #clusterInfo(): Members {
    const { server, "tls-server-name": name, "insecure-skip-tls-verify": insecure, ...cluster } = this.#cluster;
    const ours = objectsIn(cluster["extensions"]).find((one) => one["name"] === "client.authentication.k8s.io/exec");
    return {
      ...{ server, "tls-server-name": name, "insecure-skip-tls-verify": insecure, "proxy-url": cluster["proxy-url"] },
      ...{ "certificate-authority-data": this.#authority(cluster), config: ours?.["extension"] },
    };
  }

  #authority({ "certificate-authority-data": data, "certificate-authority": file }: Members): unknown {
    if ((typeof data === "string" && data !== "") || typeof file !== "string" || file === "") return data;
    try {
      return readFileSync(file).toString("base64");
    } catch (error) {
      throw this.#bad(
        "must be told the certificate authority",
        `: ${quotedPath(file)}: ${fileProblem(error) ?? "it can't be read"}`,
      );
    }
  }

  /** @throws KubeError where the plugin must ask somebody, and nobody is there */
  #isInteractive(): boolean {
    const { interactiveMode: mode } = this.#plugin;
    if (mode === "Always" && !this.#around.isTerminal)
      throw this.#bad("must ask somebody at a terminal, there is none");
    return mode !== "Never" && this.#around.isTerminal;
  }

  /** With what the kubeconfig says of how to install it. */
  #missing(): KubeError {
    const { installHint } = this.#plugin;
    const hint = typeof installHint === "string" && installHint.trim() !== "" ? `\n${installHint.trim()}` : "";
    return this.#bad("must be installed, is not there", hint);
  }

  #bad(must: string, more = ""): KubeError {
    return new KubeError("BadCredentials", `the exec plugin ${named(commandOf(this.#plugin))} ${must}${more}`);
  }
}

const commandOf = ({ command }: Members): string => (typeof command === "string" ? command : "");

const named = (command: string): string => (command.includes("/") ? quotedPath(command) : quoted(command));

const text = <Name extends keyof ExecCredential>(name: Name, value: unknown): Partial<Record<Name, string>> => {
  const found: Partial<Record<Name, string>> = {};
  if (typeof value === "string" && value !== "") found[name] = value;
  return found;
};
