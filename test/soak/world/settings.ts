/** Times as short as they may be while a machine that is busy still keeps them. */
const times = { intervalSeconds: 12, propagationSeconds: 5, maxTTLSeconds: 10, clockSkewSeconds: 2 };

const issuer = "https://issuer.example";
const audience = "api";

/** What an application signs and a verifier expects. */
export const claims = {
  issuer,
  audience,
  ttlSeconds: times.maxTTLSeconds - 1,
  clockSkewSeconds: times.clockSkewSeconds,
};

/** The spec of both worlds. */
export const spec = {
  algorithm: "ES256",
  rotation: { interval: `${times.intervalSeconds}s` },
  propagation: { minimum: `${times.propagationSeconds}s` },
  tokens: {
    issuer,
    audiences: [audience],
    maxTTL: `${times.maxTTLSeconds}s`,
    clockSkew: `${times.clockSkewSeconds}s`,
  },
};

/** How long a world may take until it is healthy again. */
export const healthyWithinMs = 240_000;
