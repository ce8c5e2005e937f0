import type { FastifyInstance, FastifyRequest } from "fastify";
import type { TokenRequest, Caller } from "../callers/caller.ts";
import { grantTypes } from "../config/token-issuer.ts";
import { introspect } from "../tokens/introspect.ts";
import { issuePair } from "../tokens/issue-pair.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";
import { mayRecover, recoverPair } from "../tokens/recover-pair.ts";
import { renewPair } from "../tokens/renew-pair.ts";
import { revokeTokens } from "../tokens/revoke-tokens.ts";
import type { TokenPair } from "../tokens/token-pair.ts";
import { badRequest, errorOfDenial, unauthorized } from "./api-error.ts";
import { objectSchema } from "./object-schema.ts";
import { formType } from "./request-body.ts";
import { credentialsOf, secretIn, type WhoAsks } from "./who-asks.ts";

const exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const accessTokenType = "urn:ietf:params:oauth:token-type:access_token";
const jwtType = "urn:ietf:params:oauth:token-type:jwt";
const subjectTypes = [jwtType, accessTokenType, "urn:ietf:params:oauth:token-type:id_token"];

type FormBody = Readonly<Record<string, string | readonly string[] | undefined>>;

const text = { type: "string", minLength: 1, maxLength: 32_768 } as const;
const texts = { type: "array", items: text, maxItems: 64 } as const;
const clientFields = { client_id: text, client_secret: text } as const;

const tokenForm = objectSchema(
  {
    ...clientFields,
    grant_type: { type: "string", enum: grantTypes },
    refresh_token: text,
    assertion: text,
    subject_token: text,
    subject_token_type: { type: "string", enum: subjectTypes },
    requested_token_type: { type: "string", enum: [accessTokenType, jwtType] },
    scope: texts,
    audience: texts,
    resource: texts,
    expiresIn: text,
    refreshTokenTtlSeconds: text,
  },
  ["grant_type"],
);

/** RFC 6749 §3.2 with RFC 8693 and RFC 7523, RFC 7009, RFC 7662. */
export function oauthRoutes(api: FastifyInstance, parts: IssuerParts, who: WhoAsks): void {
  const consumes = [formType];
  api.post<{ Body: FormBody }>("/oauth2/token", { schema: { consumes, body: tokenForm } }, async (request) => {
    const { body } = request;
    if (body["grant_type"] === "refresh_token") return oauthAnswer(await renew(parts, who, request), parts.nowMs());
    const granted = await (recover(parts, who, request) ?? issue(parts, who, request));
    return {
      ...oauthAnswer(granted, parts.nowMs()),
      ...(body["grant_type"] === exchange && { issued_token_type: accessTokenType }),
    };
  });

  const tokenField = objectSchema({ ...clientFields, token: text, token_type_hint: text }, ["token"]);
  api.post<{ Body: FormBody }>("/oauth2/revoke", { schema: { consumes, body: tokenField } }, async (request, reply) => {
    const done = await revokeTokens(parts, await clientOf(who, request), { token: one(request.body, "token") });
    if (done.kind === "denied") throw errorOfDenial(done);
    return reply.code(200).send();
  });

  api.post<{ Body: FormBody }>("/oauth2/introspect", { schema: { consumes, body: tokenField } }, async (request) => {
    return introspect(parts, await clientOf(who, request), one(request.body, "token"));
  });
}

const maybe = (body: FormBody, name: string): string | undefined => {
  const value = body[name];
  return typeof value === "string" ? value : value?.[0];
};

function one(body: FormBody, name: string): string {
  const value = maybe(body, name);
  if (value !== undefined) return value;
  throw badRequest("RequestInvalid", `Must have the parameter ${name}`);
}

const list = (body: FormBody, name: string): readonly string[] => [body[name] ?? []].flat();

/** The client's secret in the header or in the form, never in both (RFC 6749 §2.3). */
function shownSecret(request: FastifyRequest<{ Body: FormBody }>): { id: string; secret: string } | undefined {
  const { body } = request;
  const credentials = credentialsOf(request);
  const [id, secret] = [maybe(body, "client_id"), maybe(body, "client_secret")];
  if (credentials?.scheme === "basic") {
    const shown = secretIn(credentials.value);
    const isOnce = secret === undefined && (id === undefined || id === shown.id);
    if (isOnce) return shown;
    throw badRequest("CredentialsRepeated", "Must show the client's secret once");
  }
  return secret === undefined ? undefined : { id: id ?? one(body, "client_id"), secret };
}

function clientOf(who: WhoAsks, request: FastifyRequest<{ Body: FormBody }>): Promise<Caller> {
  const shown = shownSecret(request);
  if (shown !== undefined) return who.client(request, shown);
  const credentials = credentialsOf(request);
  if (credentials?.scheme === "bearer") return who.foreign(request, credentials.value);
  throw unauthorized("CredentialsMissing", "Must show the client's id and secret");
}

async function callerOf(who: WhoAsks, request: FastifyRequest<{ Body: FormBody }>): Promise<Caller> {
  const { body } = request;
  const grantType = one(body, "grant_type");
  if (grantType !== jwtBearer && grantType !== exchange) return clientOf(who, request);
  // RFC 7521 §4.1: nobody asks for it, but what is shown must be good
  const shown = shownSecret(request);
  if (shown !== undefined) await who.client(request, shown);
  if (grantType === jwtBearer) return who.foreign(request, one(body, "assertion"));
  one(body, "subject_token_type");
  return who.foreign(request, one(body, "subject_token"));
}

async function issue(
  parts: IssuerParts,
  who: WhoAsks,
  request: FastifyRequest<{ Body: FormBody }>,
): Promise<TokenPair> {
  const granted = await issuePair(parts, await callerOf(who, request), askedIn(request.body));
  if (granted.kind === "denied") throw errorOfDenial(granted);
  return granted;
}

/** By an exchange of an access token of ours whose time is over; undefined: it is none. A client's secret beside it must be good, and its own. */
function recover(
  parts: IssuerParts,
  who: WhoAsks,
  request: FastifyRequest<{ Body: FormBody }>,
): Promise<TokenPair> | undefined {
  const { body } = request;
  if (body["grant_type"] !== exchange || body["subject_token_type"] !== accessTokenType) return undefined;
  const accessToken = one(body, "subject_token");
  if (!mayRecover(parts, accessToken)) return undefined;
  const { scopes, audiences } = askedIn(body);
  return who.byItself(request, async () => {
    const shown = shownSecret(request);
    const caller = shown && (await who.client(request, shown));
    return recoverPair(parts, {
      accessToken,
      ...(caller && { caller }),
      ...(scopes && { scopes }),
      ...(audiences && { audiences }),
    });
  });
}

/** A proof is not asked for, and counts where it is shown: the client's secret, or an assertion of the first token's subject. */
async function renew(
  parts: IssuerParts,
  who: WhoAsks,
  request: FastifyRequest<{ Body: FormBody }>,
): Promise<TokenPair> {
  const { body } = request;
  const shown = shownSecret(request);
  const assertion = maybe(body, "assertion") ?? maybe(body, "subject_token");
  const proven = shown
    ? who.client(request, shown)
    : assertion === undefined
      ? undefined
      : who.proof(request, assertion);
  const caller = await proven;
  const scopes = scopesIn(body);
  const renewal = await renewPair(parts, {
    refreshToken: one(body, "refresh_token"),
    ...(caller && { caller }),
    ...(scopes && { scopes }),
  });
  if (renewal.kind === "denied") throw errorOfDenial(renewal);
  return renewal;
}

const scopesIn = (body: FormBody): readonly string[] | undefined =>
  body["scope"] === undefined
    ? undefined
    : list(body, "scope").flatMap((all) => all.split(" ").filter((scope) => scope !== ""));

function askedIn(body: FormBody): TokenRequest {
  const grantType = grantTypes.find((known) => known === body["grant_type"]) ?? "client_credentials";
  const scopes = scopesIn(body);
  const audiences = [...list(body, "audience"), ...list(body, "resource")];
  return {
    grantType,
    ...(scopes && { scopes }),
    ...(audiences.length > 0 && { audiences }),
    expiresIn: body["expiresIn"],
    refreshTokenTtlSeconds: body["refreshTokenTtlSeconds"],
  };
}

/** RFC 6749 §5.1. Seconds from now, rounded down, so that nobody takes a token for good that is not. */
function oauthAnswer({ accessToken, accessTokenExpiresAtMs, refresh, scopes }: TokenPair, nowMs: number): object {
  const secondsTo = (ms: number): number => Math.max(0, Math.floor((ms - nowMs) / 1000));
  return {
    access_token: accessToken,
    token_type: "Bearer",
    expires_in: secondsTo(accessTokenExpiresAtMs),
    ...(scopes.length > 0 && { scope: scopes.join(" ") }),
    ...(refresh && { refresh_token: refresh.token, refresh_token_expires_in: secondsTo(refresh.expiresAtMs) }),
  };
}
