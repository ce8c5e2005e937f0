/** Where an issuer's public keys are (RFC 7517 §5). */
export const jwksPath = "/.well-known/jwks.json";

/** Where an issuer says what it is (OpenID Connect Discovery 1.0 §4). */
export const discoveryPath = "/.well-known/openid-configuration";
