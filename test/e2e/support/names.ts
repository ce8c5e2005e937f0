/** The release, the rotation and everything around it in the story. */
export const names = {
  system: "keyturn-system",
  release: "keyturn",
  namespace: "shop",
  rotation: "orders",
  /** The application: Deployment, Service, ServiceAccount. */
  app: "orders",
  client: "client",
  /** The release of the issuer, and what its objects are called. */
  issuer: "tokens",
  /** Pods that renew: Deployment and ServiceAccount. */
  renewer: "renewer",
  /** The pod of applications that call: Deployment and ServiceAccount, which the TokenIssuer knows. */
  caller: "caller",
  /** Clients with sessions: StatefulSet and ServiceAccount. */
  talker: "talker",
  /** Where the gateways' sessions find each other: Pod and Service. */
  bus: "nats",
  /** The Service of the replicas' sessions. */
  sessions: "orders-sessions",
} as const;

/** By what each of them has its token. */
export const ways = ["proxy", "file", "client"] as const;

export const replicas = 3;
export const renewers = 2;
export const talkers = 3;

/** Everything that takes hours in production takes seconds here. */
export const times = {
  interval: "20s",
  propagation: "3s",
  maxTTL: "15s",
  clockSkew: "1s",
  tokenSeconds: 15,
} as const;

export const rotationSpec = {
  algorithm: "ES256",
  rotation: { interval: times.interval },
  propagation: { minimum: times.propagation },
  tokens: {
    issuer: "https://issuer.example",
    audiences: ["api"],
    maxTTL: times.maxTTL,
    clockSkew: times.clockSkew,
  },
} as const;
