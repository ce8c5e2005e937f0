import type { FastifyInstance } from "fastify";
import { grantTypes } from "../config/token-issuer.ts";
import { verifyingOf } from "../tokens/keys-at-work.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";
import type { WellKnown } from "../../holder/well-known.ts";
import { discoveryPath, jwksPath } from "../../jwt/public-paths.ts";

/** RFC 8414 §2, the same for OpenID Connect Discovery's readers, and the keys themselves. */
export function metadataRoutes(api: FastifyInstance, parts: IssuerParts, jwks: WellKnown): void {
  const metadata = (): object => {
    const [issuer] = verifyingOf(parts).issuers;
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
    api.route({
      method: ["GET", "HEAD"],
      url: path,
      handler: async (_request, reply) => {
        await reply.header("cache-control", "public, max-age=300").send(metadata());
      },
    });
  }
  api.route({
    method: ["GET", "HEAD"],
    url: jwksPath,
    handler: async ({ method, headers: asked }, reply) => {
      const { status, headers, body } = jwks({ method, ifNoneMatch: asked["if-none-match"] });
      await reply.code(status).headers(headers).send(body);
    },
  });
}
