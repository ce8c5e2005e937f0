import cors, { type FastifyCorsOptions } from "@fastify/cors";
import type { FastifyInstance } from "fastify";
import { pathOf } from "../../http/answer.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";

/**
 * Lets pages of the origins that the TokenIssuer names ask for tokens, and read the metadata; nothing else, and nobody else: whoever asks
 * from another one hears nothing of CORS. Never with cookies, of which the issuer knows none.
 */
export async function allowOrigins(api: FastifyInstance, { callers }: Pick<IssuerParts, "callers">): Promise<void> {
  await api.register(cors, {
    delegator: ({ url, headers: { origin, ...headers } }, done) => {
      const isAllowed =
        origin !== undefined && callers.config.allowedOrigins.includes(origin) && isForPages(pathOf(url));
      const preflight = headers["access-control-request-method"] !== undefined;
      done(null, isAllowed ? { ...allowed, origin, preflight } : { origin: false });
    },
  });
}

const allowed: FastifyCorsOptions = {
  methods: ["GET", "HEAD", "POST"],
  allowedHeaders: ["authorization", "content-type"],
  exposedHeaders: ["retry-after", "www-authenticate"],
  maxAge: 600,
};

/** What resource servers and gateways ask is not for pages. */
const isForPages = (path: string): boolean =>
  path === "/oauth2/token" ||
  path === "/oauth2/revoke" ||
  path === "/v1/tokens" ||
  path.startsWith("/v1/tokens/") ||
  path.startsWith("/.well-known/");
