import type { FastifyInstance } from "fastify";
import { grantTypes } from "../config/token-issuer.ts";
import { verifyingOf } from "../tokens/keys-at-work.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";
import type { WellKnown } from "../../holder/well-known.ts";
import { discoveryPath, jwksPath } from "../../jwt/public-paths.ts";

/** RFC 8414 §2, the same for OpenID Connect Discovery's readers, and the keys themselves. */
export function metadataRoutes(api: FastifyInstance, parts: IssuerParts, jwks: WellKnown): void {
  const metadata = (): object => {
    const { issuers, algorithms } = verifyingOf(parts);
    const [issuer] = issuers;
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
      // Verifiers that are told none take RS256 for the only one
      id_token_signing_alg_values_supported: algorithms,
      subject_types_supported: ["public"],
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
        // It says with which algorithms keys sign, so a copy lives no longer than one of the keys
        const { status, headers } = jwks({ method: "HEAD", ifNoneMatch: undefined });
        const cache = status === 200 ? headers["cache-control"] : undefined;
        await reply.header("cache-control", cache ?? "no-store").send(metadata());
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
