import { type FirstCredential, oauthIssuer } from "../../identity/oauth/oauth-issuer.ts";
import type { PairIssuer } from "../../identity/pair-issuer.ts";
import type { IdentitySpec, SourceSpec } from "../agent-spec.ts";
import { mintIssuer } from "./mint-issuer.ts";
import type { ConnectionPorts, TokenConnections } from "./token-connections.ts";

export interface SourcePorts extends ConnectionPorts {
  /** Of all identities of the agent. */
  readonly connections: TokenConnections;
}

/** What is asked for, and from whom. */
type TokenOrder = Pick<IdentitySpec, "source" | "request">;

/** Who gives out the tokens of an identity. Files are read again for each request. Asks nobody. */
export function openSource({ source, request }: TokenOrder, ports: SourcePorts): PairIssuer {
  const { connections, clock } = ports;
  if (source.kind === "mintSocket") {
    return mintIssuer({ source, request, post: connections.toSocket(source.path), clock });
  }
  const { accessTtlMs, refreshTtlMs, audiences, scopes } = request;
  return oauthIssuer({
    tokenUrl: endpointOf(source.issuer.url, "/oauth2/token"),
    revokeUrl: endpointOf(source.issuer.url, "/oauth2/revoke"),
    post: connections.to(source.issuer),
    clock,
    credential: () => credentialOf(source, ports),
    ...{ audiences, scopes },
    ...(accessTtlMs !== undefined && { expiresInSeconds: accessTtlMs / 1000 }),
    ...(refreshTtlMs !== undefined && { refreshTtlSeconds: refreshTtlMs / 1000 }),
  });
}

/** As the issuer's metadata names it. */
function endpointOf(issuer: URL, path: string): URL {
  const url = new URL(issuer);
  url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
  return url;
}

type FileSource = Exclude<SourceSpec, { kind: "mintSocket" }>;

async function credentialOf(source: FileSource, { files }: SourcePorts): Promise<FirstCredential> {
  switch (source.kind) {
    case "tokenFile":
      return { kind: "token", token: await files.readLine(source.path) };
    case "refreshTokenFile":
      return { kind: "refresh", token: await files.readLine(source.path) };
    case "clientSecret":
      return { kind: "client", clientId: source.clientId, secret: await files.readLine(source.secretFile) };
    default:
      return source satisfies never;
  }
}
