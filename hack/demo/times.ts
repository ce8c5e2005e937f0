/** The demo's rotation: everything that takes hours in production takes seconds here. */
export const demo = {
  name: "demo",
  issuer: "https://issuer.example",
  audience: "api",
  intervalSeconds: 10,
  propagationSeconds: 2,
  maxTTLSeconds: 6,
  clockSkewSeconds: 1,
  /** How long the client keeps a JWKS: less than the propagation by the time that a request may take. */
  clientCacheMs: 1500,
} as const;

/** The file that `kubectl apply` takes, too. RS256, because its signatures are what `openssl dgst` reads. */
export const demoConfig = `# Edit this file while the demo runs: it takes effect at once.
apiVersion: keyturn.dev/v1alpha1
kind: JwtKeyRotation
metadata:
  name: ${demo.name}
spec:
  algorithm: RS256
  rsaModulusBits: 2048
  rotation:
    interval: ${demo.intervalSeconds}s
  propagation:
    minimum: ${demo.propagationSeconds}s
  tokens:
    issuer: ${demo.issuer}
    audiences: [${demo.audience}]
    maxTTL: ${demo.maxTTLSeconds}s
    clockSkew: ${demo.clockSkewSeconds}s
  rotationWindow: ${demo.maxTTLSeconds + 2 * demo.clockSkewSeconds}s
`;
