import cors, { type FastifyCorsOptions } from "@fastify/cors";
import type { FastifyInstance } from "fastify";
import { pathOf } from "../../http/answer.ts";
import { anyOrigin, preflight } from "../../jwt/public-paths.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";

/**
 * Lets pages of the origins that the TokenIssuer names ask for tokens; nothing else, and nobody else: whoever asks from another one hears
 * nothing of CORS. Metadata and keys are public, and any page may read them. Never with cookies, of which the issuer knows none.
 */
export async function allowOrigins(api: FastifyInstance, { callers }: Pick<IssuerParts, "callers">): Promise<void> {
  await api.register(cors, {
    delegator: ({ url, headers: { origin, ...headers } }, done) => {
      const path = pathOf(url);
      const isPreflight = headers["access-control-request-method"] !== undefined;
      if (path.startsWith("/.well-known/")) {
        done(null, { ...forAll, preflight: isPreflight });
        return;
      }
      const isAllowed = origin !== undefined && callers.config.allowedOrigins.includes(origin) && isForPages(path);
      done(null, isAllowed ? { ...allowed, origin, preflight: isPreflight } : { origin: false });
    },
  });
}

const allowed: FastifyCorsOptions = {
  methods: ["GET", "HEAD", "POST"],
  allowedHeaders: ["authorization", "content-type"],
  exposedHeaders: ["retry-after", "www-authenticate"],
  maxAge: 600,
};

/** As the gateway has it for the same documents. */
const forAll: FastifyCorsOptions = {
  origin: "*",
  methods: preflight.headers["access-control-allow-methods"],
  allowedHeaders: preflight.headers["access-control-allow-headers"],
  exposedHeaders: anyOrigin["access-control-expose-headers"],
  maxAge: Number(preflight.headers["access-control-max-age"]),
};

/** What resource servers and gateways ask is not for pages. */
const isForPages = (path: string): boolean =>
  path === "/oauth2/token" || path === "/oauth2/revoke" || path === "/v1/tokens" || path.startsWith("/v1/tokens/");
