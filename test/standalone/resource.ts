/** A rotation every hour, published for ten minutes, tokens of five minutes. */
export const resource = (spec: object = {}, metadata: object = {}): object => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "JwtKeyRotation",
  metadata: { name: "demo", ...metadata },
  spec: {
    rotation: { interval: "1h" },
    propagation: { minimum: "10m" },
    tokens: { issuer: "https://issuer.example", audiences: ["api"], maxTTL: "5m", clockSkew: "0s" },
    ...spec,
  },
});
