import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import { grantTypes } from "../config/token-issuer.ts";
import { signingOf } from "../tokens/issue-pair.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";
import { discoveryPath, jwksPath } from "../../jwt/public-paths.ts";

/** Answers a request with the public keys (RFC 7517 §5), as fresh as they are. */
export type JwksHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** RFC 8414 §2, the same for OpenID Connect Discovery's readers, and the keys themselves. */
export function metadataRoutes(api: FastifyInstance, parts: IssuerParts, jwks: JwksHandler): void {
  const metadata = (): object => {
    const { issuer } = signingOf(parts).profile;
    const at = (path: string): string => `${issuer.replace(/\/$/, "")}${path}`;
    const methods = ["client_secret_basic", "client_secret_post"];
    return {
      issuer,
      token_endpoint: at("/oauth2/token"),
      revocation_endpoint: at("/oauth2/revoke"),
      introspection_endpoint: at("/oauth2/introspect"),
      jwks_uri: at(jwksPath),
      grant_types_supported: grantTypes,
      response_types_supported: [],
      token_endpoint_auth_methods_supported: methods,
      revocation_endpoint_auth_methods_supported: methods,
      introspection_endpoint_auth_methods_supported: methods,
    };
  };
  for (const path of ["/.well-known/oauth-authorization-server", discoveryPath]) {
    api.get(path, async (_request, reply) => {
      await reply.header("cache-control", "public, max-age=300").send(metadata());
    });
  }
  api.get(jwksPath, (request, reply) => {
    reply.hijack();
    jwks(request.raw, reply.raw);
  });
}
