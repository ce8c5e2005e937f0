import { resolve } from "node:path";
import type { Option } from "commander";
import type { AgentOrders } from "../agent/agent-options.ts";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { apiVersion, tokenAgentKind } from "../parse/api-names.ts";
import { flag } from "./flags.ts";
import { UsageError } from "./report-error.ts";

/** Whose tokens are kept: by a file, or one identity by flags. Texts are read as those of the file. */
export interface OrderFlags {
  readonly config?: string;
  readonly name?: string;
  readonly issuer?: string;
  readonly caFile?: string;
  readonly plainHttp?: boolean;
  readonly tokenFile?: string;
  readonly clientId?: string;
  readonly clientSecretFile?: string;
  readonly refreshTokenFile?: string;
  readonly mintSocket?: string;
  readonly mintSubject?: string;
  readonly audiences?: readonly string[];
  readonly scopes?: readonly string[];
  readonly accessTtl?: string;
  readonly refreshTtl?: string;
  readonly keep?: string;
  readonly sinkFile?: string;
  readonly sinkFormat?: string;
  readonly sinkMode?: string;
  readonly sinkGroup?: string;
  readonly proxyListen?: string;
  readonly upstream?: string;
  readonly upstreamCaFile?: string;
  readonly proxyAuthorization?: string;
}

const owner = "agent";
const list = (text: string): readonly string[] => text.split(",").map((one) => one.trim());
const own = (flags: string, description: string, extras: Parameters<typeof flag>[2] = {}): Option =>
  flag(flags, description, { owner, ...extras });

const keeps = { always: "Always", "on-use": "OnUse" } as const;
const authorizations = { refuse: "Refuse", replace: "Replace" } as const;
const formats = { token: "Token", json: "JSON", header: "Header" } as const;
/** Of the file. */
const wordOf = (words: Readonly<Record<string, string>>, text: string): string => words[text] ?? text;

export const orderFlags = (): readonly Option[] => [
  own("-c, --config <file>", "a TokenAgent, YAML or JSON: which tokens are kept fresh, and for whom"),
  own("--name <name>", "or one identity by flags: its name", { otherwise: "default" }),
  own("--issuer <url>", "whose tokens it gets"),
  own("--ca-file <file>", "PEM: who signed the issuer's certificate", { otherwise: "whom Node.js trusts" }),
  own("--plain-http", "issuer and upstream may be of http, on other machines, too"),
  own("--token-file <file>", "a token that the issuer trusts, such as a projected ServiceAccount token"),
  own("--client-id <id>", "or a client of the issuer"),
  own("--client-secret-file <file>", "with the file of its secret"),
  own("--refresh-token-file <file>", "or a refresh token that was handed over, for one use"),
  own("--mint-socket <path>", "or a gateway's mint socket, in the place of an issuer"),
  own("--mint-subject <subject>", "with the subject of its tokens"),
  own("--audiences <list>", "what tokens are for, with commas between", { parse: list, otherwise: "what is given" }),
  own("--scopes <list>", "what they may do, with commas between", { parse: list, otherwise: "what is given" }),
  own("--access-ttl <duration>", "how long an access token is to live", { otherwise: "what is given" }),
  own("--refresh-ttl <duration>", "how long it may go without a renewal", { otherwise: "what is given" }),
  own("--keep <when>", "always: renewed by a timer; on-use: when somebody asks for the token", {
    choices: Object.keys(keeps),
    otherwise: "always",
  }),
  own("--sink-file <file>", "where each new token is written"),
  own("--sink-format <format>", "token: alone; json: with its end; header: as an Authorization header", {
    choices: Object.keys(formats),
    otherwise: "token",
  }),
  own("--sink-mode <mode>", "permission bits of that file", { otherwise: "0600" }),
  own("--sink-group <group>", "its group, by name or number", { otherwise: "the agent's own" }),
  own("--proxy-listen <address>", "plain requests come in; unix:<path>, or a loopback address"),
  own("--upstream <url>", "and go there, with the token"),
  own("--upstream-ca-file <file>", "PEM: who signed the upstream's certificate", { otherwise: "whom Node.js trusts" }),
  own("--proxy-authorization <what>", "what becomes of an Authorization that the application sends by itself", {
    choices: Object.keys(authorizations),
    otherwise: "refuse",
  }),
];

type IdentityFlag = Exclude<keyof OrderFlags, "config" | "plainHttp">;

/** Where a flag's value stands in the file, below `spec`. */
const places: Readonly<Record<IdentityFlag, readonly [flag: string, path: string]>> = {
  name: ["--name", "identities[0].name"],
  issuer: ["--issuer", "issuer.url"],
  caFile: ["--ca-file", "issuer.caFile"],
  tokenFile: ["--token-file", "identities[0].source.tokenFile"],
  clientId: ["--client-id", "identities[0].source.clientSecret.clientID"],
  clientSecretFile: ["--client-secret-file", "identities[0].source.clientSecret.secretFile"],
  refreshTokenFile: ["--refresh-token-file", "identities[0].source.refreshTokenFile"],
  mintSocket: ["--mint-socket", "identities[0].source.mintSocket.path"],
  mintSubject: ["--mint-subject", "identities[0].source.mintSocket.subject"],
  audiences: ["--audiences", "identities[0].request.audiences"],
  scopes: ["--scopes", "identities[0].request.scopes"],
  accessTtl: ["--access-ttl", "identities[0].request.accessTTL"],
  refreshTtl: ["--refresh-ttl", "identities[0].request.refreshTTL"],
  keep: ["--keep", "identities[0].keep"],
  sinkFile: ["--sink-file", "identities[0].sinks[0].file.path"],
  sinkFormat: ["--sink-format", "identities[0].sinks[0].file.format"],
  sinkMode: ["--sink-mode", "identities[0].sinks[0].file.mode"],
  sinkGroup: ["--sink-group", "identities[0].sinks[0].file.group"],
  proxyListen: ["--proxy-listen", "proxies[0].listen"],
  upstream: ["--upstream", "proxies[0].upstream"],
  upstreamCaFile: ["--upstream-ca-file", "proxies[0].caFile"],
  proxyAuthorization: ["--proxy-authorization", "proxies[0].authorization"],
};
const identityFlags = Object.keys(places).filter((name): name is IdentityFlag => Object.hasOwn(places, name));

/** Whether these flags tell an agent anything. */
export const hasOrders = (flags: OrderFlags): boolean =>
  flags.config !== undefined || identityFlags.some((name) => flags[name] !== undefined);

/** What an agent is told to do. @throws UsageError */
export async function ordersOf(flags: OrderFlags): Promise<AgentOrders> {
  const given = identityFlags.filter((name) => flags[name] !== undefined);
  const [first] = given;
  if (flags.config !== undefined) {
    if (first === undefined && flags.plainHttp === undefined) return { kind: "file", path: flags.config };
    const other = first === undefined ? "--plain-http" : places[first][0];
    throw new UsageError(`Cannot run: --config says all of it, must be without ${other}`);
  }
  const sources = (["tokenFile", "clientId", "refreshTokenFile", "mintSocket"] as const).filter((name) =>
    given.includes(name),
  );
  if (sources.length !== 1) {
    const all = "--token-file, --client-id, --refresh-token-file and --mint-socket";
    throw new UsageError(`Cannot run: must have --config, or one of ${all}`);
  }
  const { parseTokenAgent } = await import("../agent/config/read-token-agent.ts");
  const metadata = { name: "flags" };
  const file = { apiVersion, kind: tokenAgentKind, metadata, spec: specOf(flags) };
  try {
    return { kind: "fixed", spec: parseTokenAgent(file, resolve("")) };
  } catch (error) {
    throw error instanceof ChangeNeededError ? new UsageError(`Cannot run: ${inWordsOfFlags(error.message)}`) : error;
  }
}

/** Undefined where none of the members is set. */
const someOf = <Members extends object>(members: Members): Members | undefined =>
  Object.values(members).some((value) => value !== undefined) ? members : undefined;

/** As the file has it: what is unset is undefined. */
function specOf(flags: OrderFlags): object {
  const { name = "default", keep = "always", plainHttp: plainHTTP } = flags;
  const { tokenFile, refreshTokenFile, sinkFormat: format, proxyAuthorization } = flags;
  const issuer = someOf({ url: flags.issuer, caFile: flags.caFile });
  const file = someOf({
    path: flags.sinkFile,
    format: format && wordOf(formats, format),
    mode: flags.sinkMode,
    group: flags.sinkGroup,
  });
  const proxy = someOf({
    listen: flags.proxyListen,
    upstream: flags.upstream,
    caFile: flags.upstreamCaFile,
    authorization: proxyAuthorization && wordOf(authorizations, proxyAuthorization),
  });
  const identity = {
    name,
    keep: wordOf(keeps, keep),
    source: {
      ...{ tokenFile, refreshTokenFile },
      clientSecret: someOf({ clientID: flags.clientId, secretFile: flags.clientSecretFile }),
      mintSocket: someOf({ path: flags.mintSocket, subject: flags.mintSubject }),
    },
    request: {
      audiences: flags.audiences,
      scopes: flags.scopes,
      accessTTL: flags.accessTtl,
      refreshTTL: flags.refreshTtl,
    },
    sinks: file && [{ file }],
  };
  return {
    issuer: issuer && { ...issuer, plainHTTP },
    identities: [identity],
    proxies: proxy && [{ ...proxy, plainHTTP, identity: name }],
  };
}

/** `spec.identities[0].source.tokenFile: must …` is `--token-file must …`. */
function inWordsOfFlags(problems: string): string {
  const words = [...Object.values(places), issuerOfIdentity];
  const lines = problems.split("\n").map((line) => {
    const found = words.find(([, path]) => line.startsWith(`spec.${path}:`) || line.startsWith(`spec.${path}[`));
    return found === undefined ? line : line.replace(/^[^ ]+:/, found[0]);
  });
  return lines.join("\n");
}

/** What is missing there is missing here. */
const issuerOfIdentity = ["--issuer", "identities[0].issuer"] as const;
