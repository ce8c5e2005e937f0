/** Where an issuer's public keys are (RFC 7517 §5). */
export const jwksPath = "/.well-known/jwks.json";

/** Where an issuer says what it is (OpenID Connect Discovery 1.0 §4). */
export const discoveryPath = "/.well-known/openid-configuration";

/** Of every answer with such a document: pages of any origin may read it, since nothing in it is secret (Fetch §3.2). */
export const anyOrigin = { "access-control-allow-origin": "*", "access-control-expose-headers": "etag" } as const;

/** The answer to a page's `OPTIONS` (Fetch §3.2.2), without a body. */
export const preflight = {
  status: 204,
  headers: {
    ...anyOrigin,
    "access-control-allow-methods": "GET, HEAD",
    "access-control-allow-headers": "*",
    "access-control-max-age": "86400",
  },
} as const;
