import type { FastifyInstance, FastifyRequest } from "fastify";
import type { TokenRequest } from "../callers/caller.ts";
import { introspect, introspectItself } from "../tokens/introspect.ts";
import { type AskedBelow, issueBelow } from "../tokens/issue-below.ts";
import { issuePair } from "../tokens/issue-pair.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";
import { renewPair } from "../tokens/renew-pair.ts";
import { type RevocationRequest, revokeTokens } from "../tokens/revoke-tokens.ts";
import type { TokenPair } from "../tokens/token-pair.ts";
import type { Denial } from "../tokens/denial.ts";
import { formatInstant } from "../../parse/instant.ts";
import { errorOfDenial, forbidden } from "./api-error.ts";
import { objectSchema } from "./object-schema.ts";
import { credentialsMissing, credentialsOf, type WhoAsks } from "./who-asks.ts";

const text = { type: "string", minLength: 1, maxLength: 255 } as const;
const token = { type: "string", minLength: 1, maxLength: 32_768 } as const;
const texts = { type: "array", items: text, maxItems: 64 } as const;
/** Anything: what makes no sense gets the default, as the answer says. */
const seconds = {} as const;
const common = {
  refreshTokenTtlSeconds: seconds,
  expiresIn: seconds,
  audience: texts,
  scopes: texts,
  claims: { type: "object" },
} as const;

interface Common {
  readonly refreshTokenTtlSeconds?: unknown;
  readonly expiresIn?: unknown;
  readonly audience?: readonly string[];
  readonly scopes?: readonly string[];
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The JSON contract: a pair with ISO instants, from each endpoint that gives one out. */
export function jsonRoutes(api: FastifyInstance, parts: IssuerParts, who: WhoAsks): void {
  issuing(api, parts, who);
  api.post<{ Body: { readonly refreshToken: string } }>(
    "/v1/tokens/refresh",
    { schema: { body: objectSchema({ refreshToken: token }, ["refreshToken"]) } },
    async (request) => pairOrThrow(await renewPair(parts, { refreshToken: request.body.refreshToken })),
  );
  ending(api, parts, who);
}

function issuing(api: FastifyInstance, parts: IssuerParts, who: WhoAsks): void {
  api.post<{ Body: Common & { readonly identityId: string } }>(
    "/v1/tokens",
    { schema: { body: objectSchema({ identityId: text, ...common }, ["identityId"]) } },
    async (request) => {
      const caller = await who.caller(request);
      const grantType = caller.kind === "client" ? "client_credentials" : "urn:ietf:params:oauth:grant-type:jwt-bearer";
      const { identityId: subject } = request.body;
      return pairOrThrow(await issuePair(parts, caller, { ...askedIn(request.body), grantType, subject }));
    },
  );

  api.post<{ Body: Common & { readonly agentId: string; readonly agentName?: string } }>(
    "/v1/tokens/agent",
    { schema: { body: objectSchema({ agentId: text, agentName: text, ...common }, ["agentId"]) } },
    async (request) => {
      const { agentId, agentName } = request.body;
      const own = { agent_id: agentId, ...(agentName !== undefined && { agent_name: agentName }) };
      return below(parts, request, { name: { kind: "agent", id: agentId }, own });
    },
  );

  api.post<{ Body: Common & { readonly paths: readonly string[] } }>(
    "/v1/tokens/path",
    { schema: { body: objectSchema({ paths: { ...texts, minItems: 1 }, ...common }, ["paths"]) } },
    async (request) => below(parts, request, { name: { kind: "path" }, own: { paths: request.body.paths } }),
  );

  api.post<{ Body: Common & { readonly workspaceId: string; readonly paths: readonly string[] } }>(
    "/v1/tokens/workspace-path",
    {
      schema: {
        body: objectSchema({ workspaceId: text, paths: { ...texts, minItems: 1 }, ...common }, [
          "workspaceId",
          "paths",
        ]),
      },
    },
    async (request) => {
      const { workspaceId, paths } = request.body;
      return below(parts, request, {
        name: { kind: "workspace", id: workspaceId },
        own: { workspace_id: workspaceId, paths },
      });
    },
  );
}

/** Exactly one of them: by `jti`, by `sub`, by `sid`. */
interface RevokeBody {
  readonly tokenId?: string;
  readonly identityId?: string;
  readonly sessionId?: string;
}

function ending(api: FastifyInstance, parts: IssuerParts, who: WhoAsks): void {
  const revoke = {
    ...objectSchema({ tokenId: text, identityId: text, sessionId: text }, []),
    oneOf: [{ required: ["tokenId"] }, { required: ["identityId"] }, { required: ["sessionId"] }],
  };
  api.post<{ Body: RevokeBody }>("/v1/tokens/revoke", { schema: { body: revoke } }, async (request) => {
    const by = await who.asker(request);
    const done = await revokeTokens(parts, by, revocationIn(request.body));
    if (done.kind === "denied") throw forbidden(done.code, done.message);
    return { revoked: done.revoked };
  });

  api.post<{ Body: { readonly token: string } }>(
    "/v1/tokens/introspect",
    { schema: { body: objectSchema({ token }, ["token"]) } },
    async (request) => {
      const by = await who.asker(request);
      return introspect(parts, by, request.body.token);
    },
  );
  // A GET has no body, and a token belongs in no URL: it is the bearer itself that is looked at
  api.get("/v1/tokens/introspect", async (request) => {
    const credentials = credentialsOf(request);
    if (credentials?.scheme !== "bearer") throw credentialsMissing();
    return introspectItself(parts, credentials.value);
  });
}

function revocationIn({ tokenId, identityId, sessionId }: RevokeBody): RevocationRequest {
  if (tokenId !== undefined) return { tokenId };
  return identityId === undefined ? { sessionId: sessionId ?? "" } : { identityId };
}

async function below(
  parts: IssuerParts,
  request: FastifyRequest<{ Body: Common }>,
  { name, own }: Pick<AskedBelow, "name" | "own">,
): Promise<object> {
  const credentials = credentialsOf(request);
  if (credentials?.scheme !== "bearer") throw credentialsMissing();
  return pairOrThrow(await issueBelow(parts, credentials.value, { ...askedIn(request.body), name, own }));
}

function askedIn({
  refreshTokenTtlSeconds,
  expiresIn,
  audience,
  scopes,
  claims,
}: Common): Omit<TokenRequest, "grantType"> {
  return {
    refreshTokenTtlSeconds,
    expiresIn,
    ...(audience && { audiences: audience }),
    ...(scopes && { scopes }),
    ...(claims && { claims }),
  };
}

/** `{accessToken, refreshToken, accessTokenExpiresAt, refreshTokenExpiresAt, tokenType}`; ISO 8601 instants in UTC. */
function pairOrThrow(pair: TokenPair | Denial): object {
  if (pair.kind === "denied") throw errorOfDenial(pair);
  const { accessToken, accessTokenExpiresAtMs, refresh } = pair;
  return {
    accessToken,
    accessTokenExpiresAt: formatInstant(accessTokenExpiresAtMs),
    tokenType: "Bearer",
    ...(refresh && {
      refreshToken: refresh.token,
      refreshTokenExpiresAt: formatInstant(refresh.expiresAtMs),
      refreshTokenTtlSeconds: refresh.ttlMs / 1000,
    }),
  };
}
