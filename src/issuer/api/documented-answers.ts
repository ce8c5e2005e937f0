import { jwksPath } from "../../jwt/public-paths.ts";

const text = { type: "string" } as const;
const number = { type: "number" } as const;

const object = (properties: object, required: readonly string[] = Object.keys(properties)): object => ({
  type: "object",
  properties,
  required,
});

const json = (description: string, schema: object): object => ({
  description,
  content: { "application/json": { schema } },
});

/** As `sendError` sends it. */
const failure = json("What is wrong", object({ error: text, error_description: text, code: text }));

const grant = json(
  "An access token, and a refresh token where the caller may have one (RFC 6749 §5.1)",
  object(
    {
      ...{ access_token: text, token_type: { type: "string", enum: ["Bearer"] }, expires_in: number, scope: text },
      ...{ refresh_token: text, refresh_token_expires_in: number, issued_token_type: text },
    },
    ["access_token", "token_type", "expires_in"],
  ),
);

const instant = { type: "string", format: "date-time" } as const;

const pair = json(
  "An access token, and a refresh token where the caller may have one",
  object(
    {
      ...{ accessToken: text, accessTokenExpiresAt: instant, tokenType: { type: "string", enum: ["Bearer"] } },
      ...{ refreshToken: text, refreshTokenExpiresAt: instant, refreshTokenTtlSeconds: number },
    },
    ["accessToken", "accessTokenExpiresAt", "tokenType"],
  ),
);

const introspection = json(
  "Whether it is good, and what it says (RFC 7662 §2.2)",
  object({ active: { type: "boolean" } }),
);

const metadata = json("RFC 8414 §2", object({ issuer: text, token_endpoint: text, jwks_uri: text }));

const successes: Readonly<Record<string, object>> = {
  "/oauth2/token": grant,
  "/oauth2/revoke": { description: "It is no good any more, or never was (RFC 7009 §2.2)", type: "null" },
  "/oauth2/introspect": introspection,
  "/v1/tokens": pair,
  "/v1/tokens/agent": pair,
  "/v1/tokens/path": pair,
  "/v1/tokens/workspace-path": pair,
  "/v1/tokens/refresh": pair,
  "/v1/tokens/revoke": json("How many grants have just ended", object({ revoked: number })),
  "/v1/tokens/introspect": introspection,
  "/v1/revocations": {
    description: "What is revoked: all that is in force, or events without end",
    content: {
      "application/json": { schema: object({ revocations: { type: "array" }, seq: number }) },
      "text/event-stream": {},
    },
  },
  "/.well-known/oauth-authorization-server": metadata,
  "/.well-known/openid-configuration": metadata,
  [jwksPath]: {
    description: "RFC 7517 §5",
    content: { "application/jwk-set+json": { schema: object({ keys: { type: "array" } }) } },
  },
};

/** What `/openapi.json` says of a route's answers. It says so alone: no answer is made of it, nor held against it while it is sent. */
export const documentedAnswers = (url: string): object => ({
  ...(successes[url] && { 200: successes[url] }),
  default: failure,
});
