import type { Address } from "../http/address.ts";

/** What an agent is to do, checked, with every default filled in. The files that it names are not read yet. */
export interface AgentSpec {
  /** Of identities that are registered at run time. Those of the file have it in their source. */
  readonly issuer?: TokenEndpoint;
  /** By their names, which differ. */
  readonly identities: readonly IdentitySpec[];
  /** By their addresses, which differ. */
  readonly proxies: readonly ProxySpec[];
  /** By their paths, which differ. */
  readonly sockets: readonly SocketSpec[];
}

/** One token that is to be kept fresh, and who gets it. */
export interface IdentitySpec {
  /** 1 to 63 of a-z, 0-9 and -, a letter or digit first and last: it is a file's name, a path's segment and a metric's label. */
  readonly name: string;
  readonly source: SourceSpec;
  readonly request: TokenRequestSpec;
  /** `always`: renewed by the timer. `onUse`: when somebody asks for it; then it has no sinks, whose text would grow old. */
  readonly keep: "always" | "onUse";
  readonly sinks: readonly SinkSpec[];
  /** What is done each time after all sinks have the new token. */
  readonly notify?: NotifySpec;
}

/** Where the tokens of an identity come from. Paths are absolute. */
export type SourceSpec =
  /** A token of somebody whom the issuer trusts: a projected ServiceAccount token, or one of an OIDC provider; exchanged (RFC 8693). */
  | { readonly kind: "tokenFile"; readonly issuer: TokenEndpoint; readonly path: string }
  /** A client's secret (RFC 6749 §2.3.1). */
  | {
      readonly kind: "clientSecret";
      readonly issuer: TokenEndpoint;
      readonly clientId: string;
      readonly secretFile: string;
    }
  /** A refresh token that was handed over, for one use. */
  | { readonly kind: "refreshTokenFile"; readonly issuer: TokenEndpoint; readonly path: string }
  /** A gateway's mint socket: no issuer, and no refresh token. */
  | { readonly kind: "mintSocket"; readonly path: string; readonly subject: string };

export interface TokenEndpoint {
  /** Of the issuer, without a query; https, or http to a loopback address or where the file says `plainHTTP`. */
  readonly url: URL;
  /** PEM; who may have signed its certificate. @default whom Node.js trusts */
  readonly caFile?: string;
}

/** What is asked for. @default what the issuer gives by itself */
export interface TokenRequestSpec {
  readonly audiences: readonly string[];
  readonly scopes: readonly string[];
  /** In milliseconds. */
  readonly accessTtlMs?: number;
  /** In milliseconds. */
  readonly refreshTtlMs?: number;
}

/** Where a token is written each time there is a new one. Paths are absolute. */
export type SinkSpec =
  /** One file, replaced whole: who opens it reads the old text or the new one. */
  | ({ readonly kind: "file"; readonly path: string; readonly format: SinkFormat } & FileAccess)
  /** A directory as the kubelet mounts a Secret: `token`, `token.json`, `authorization` behind one `..data`, which is swapped. */
  | ({ readonly kind: "directory"; readonly path: string } & FileAccess);

/** `token`: the access token alone; `json`: with its end; `header`: a line `Authorization: Bearer …`. */
export type SinkFormat = "token" | "json" | "header";

export interface FileAccess {
  /** Permission bits. @default 0o600 of a file, 0o660 of a socket */
  readonly mode: number;
  /** Name or number of the group. @default the process's own */
  readonly group?: string;
}

export type NotifySpec =
  /** Signals the process whose number stands in the file. */
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals; readonly pidFile: string }
  /** Runs a program, without a shell, one at a time. */
  | { readonly kind: "command"; readonly command: readonly [string, ...string[]] };

/** Plain requests in, requests with a fresh token out. */
export interface ProxySpec {
  /** A Unix socket, or a loopback address. */
  readonly listen: Address;
  /** Without query and user; https, or http to a loopback address or where the file says `plainHTTP`. */
  readonly upstream: URL;
  /** PEM; who may have signed its certificate. @default whom Node.js trusts */
  readonly caFile?: string;
  /** The name of an identity. */
  readonly identity: string;
  /** What becomes of an `Authorization` that an application sends by itself: it would act for somebody else than it believes. @default refuse */
  readonly authorization?: "refuse" | "replace";
}

/** The loopback API for one identity alone: whoever may open the socket has its token, and no other. */
export interface SocketSpec extends FileAccess {
  /** Of the socket; absolute. */
  readonly path: string;
  /** The name of an identity. */
  readonly identity: string;
}
