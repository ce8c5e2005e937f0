import swagger from "@fastify/swagger";
import fastify, { type FastifyInstance } from "fastify";
import type { Log } from "../../telemetry/log.ts";
import type { Chance } from "../../time/backoff.ts";
import type { Clock } from "../../time/clock.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";
import { type Answered, ErrorAnswers } from "./error-answers.ts";
import { allowOrigins } from "./cors.ts";
import { documentedAnswers } from "./documented-answers.ts";
import { jsonRoutes } from "./json-routes.ts";
import type { WellKnown } from "../../holder/well-known.ts";
import { metadataRoutes } from "./metadata-routes.ts";
import { oauthRoutes } from "./oauth-routes.ts";
import { limitRates } from "./rates.ts";
import { acceptForms, acceptJson, bodyLimit } from "./request-body.ts";
import { revocationRoutes } from "./revocation-routes.ts";
import { WhoAsks } from "./who-asks.ts";

export interface IssuerApiOptions {
  /** The public keys (RFC 7517 §5), as fresh as they are. */
  readonly jwks: WellKnown;
  readonly clock: Pick<Clock, "after">;
  readonly chance: Chance;
  /** Ends the streams. */
  readonly closing: AbortSignal;
  readonly log: Log;
  /** Must not throw. @default nobody hears of it */
  readonly onAnswered?: (answered: Answered) => void;
  /** Requests a second of one address; a tenth of it may be with credentials that are no good. @default 100 */
  readonly mostASecond?: number;
  /** Whose `X-Forwarded-For` is believed: addresses and networks. @default nobody's */
  readonly trustedProxies?: readonly string[];
  readonly version: string;
}

/** Every endpoint of the issuer; it listens nowhere yet. Nothing that it logs has a body, a header or a query. */
export async function newIssuerApi(parts: IssuerParts, options: IssuerApiOptions): Promise<FastifyInstance> {
  const answers = new ErrorAnswers(options);
  const api = fastify({
    logger: false,
    frameworkErrors: answers.early,
    bodyLimit,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    exposeHeadRoutes: false,
    trustProxy: options.trustedProxies === undefined ? false : [...options.trustedProxies],
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } },
  });
  answers.add(api);
  const { version, mostASecond = 100 } = options;
  await api.register(swagger, {
    openapi: { openapi: "3.1.0", info: { title: "Keyturn issuer", version } },
    transform: ({ schema, url }) => ({ schema: { ...schema, response: documentedAnswers(url) }, url }),
  });
  await allowOrigins(api, parts);
  const who = new WhoAsks(parts, await limitRates(api, mostASecond));
  // A token is nobody else's to keep (RFC 6749 §5.1)
  api.addHook("onRequest", async (_request, reply) => void reply.header("cache-control", "no-store"));
  await api.register((scope, _options, done) => {
    acceptForms(scope);
    oauthRoutes(scope, parts, who);
    done();
  });
  await api.register((scope, _options, done) => {
    acceptJson(scope);
    jsonRoutes(scope, parts, who);
    done();
  });
  revocationRoutes(api, parts, { ...options, who });
  metadataRoutes(api, parts, options.jwks);
  api.route({ method: ["GET", "HEAD"], url: "/openapi.json", schema: { hide: true }, handler: () => api.swagger() });
  return api;
}
