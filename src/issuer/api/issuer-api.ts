import swagger from "@fastify/swagger";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import type { Log } from "../../telemetry/log.ts";
import type { Chance } from "../../time/backoff.ts";
import type { Clock } from "../../time/clock.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";
import { answerOfError, sendError } from "./api-error.ts";
import { jsonRoutes } from "./json-routes.ts";
import type { WellKnown } from "../../holder/well-known.ts";
import { metadataRoutes } from "./metadata-routes.ts";
import { oauthRoutes } from "./oauth-routes.ts";
import { limitRates } from "./rates.ts";
import { acceptForms, acceptJson, bodyLimit } from "./request-body.ts";
import { revocationRoutes } from "./revocation-routes.ts";
import { WhoAsks } from "./who-asks.ts";

/** One request, answered: for metrics. */
export interface Answered {
  /** The path as the API names it; `none` for any other. */
  readonly route: string;
  readonly status: number;
  /** Of the error; `ok` for none. */
  readonly code: string;
  /** Until it was sent; absent for a stream, which lasts. */
  readonly seconds?: number;
}

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
  const api = fastify({
    logger: false,
    bodyLimit,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    exposeHeadRoutes: false,
    trustProxy: options.trustedProxies === undefined ? false : [...options.trustedProxies],
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } },
  });
  answerErrors(api, options);
  const { version, mostASecond = 100 } = options;
  await api.register(swagger, { openapi: { openapi: "3.1.0", info: { title: "Keyturn issuer", version } } });
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
  api.get("/openapi.json", { schema: { hide: true } }, () => api.swagger());
  return api;
}

/** Errors in one form, and every answer told. */
function answerErrors(api: FastifyInstance, options: IssuerApiOptions): void {
  const methods = rememberMethods(api);
  const codes = new WeakMap<FastifyRequest, string>();
  api.addHook("onResponse", (request, reply, done) => {
    const isStream = String(reply.getHeader("content-type")).startsWith("text/event-stream");
    options.onAnswered?.({
      route: request.routeOptions.url ?? "none",
      status: reply.statusCode,
      code: codes.get(request) ?? "ok",
      ...(!isStream && { seconds: reply.elapsedTime / 1000 }),
    });
    done();
  });
  api.setErrorHandler((error, request, reply) => {
    const answer = answerOfError(error);
    codes.set(request, answer.code);
    const fields = { status: answer.status, code: answer.code, route: request.routeOptions.url ?? "none" };
    if (answer.status === 500) options.log.error({ ...fields, err: error }, "a request failed");
    else options.log.debug(fields, "a request is refused");
    sendError(answer, reply);
  });
  api.setNotFoundHandler((request, reply) => {
    const [path = ""] = request.url.split("?", 1);
    const allow = [...(methods.get(path) ?? [])].join(", ");
    const message = allow === "" ? "Must be a path of the API: see /openapi.json" : `Must be ${allow}`;
    const what = allow === "" ? { status: 404, code: "NotFound" } : { status: 405, code: "MethodNotAllowed" };
    codes.set(request, what.code);
    sendError({ ...what, error: "invalid_request", message, ...(allow !== "" && { headers: { allow } }) }, reply);
  });
}

/** Which methods a path has: for whoever comes with another one. */
function rememberMethods(api: FastifyInstance): ReadonlyMap<string, ReadonlySet<string>> {
  const methods = new Map<string, Set<string>>();
  api.addHook("onRoute", ({ url, method }) => {
    const known = methods.get(url) ?? new Set<string>();
    for (const one of [method].flat()) known.add(one);
    methods.set(url, known);
  });
  return methods;
}
