import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { names, renewers, replicas, rotationSpec, talkers, times, ways } from "./names.ts";

const { app, bus, caller, client, namespace, renewer, sessions, talker } = names;

type Rest = Readonly<{ [field: string]: unknown; labels?: Readonly<Record<string, string>> }>;

/** An object of the story's namespace; `type` as `v1 Service`. */
function object(type: string, name: string, { labels = {}, ...rest }: Rest = {}): KubeObject {
  const [apiVersion = "", kind = ""] = type.split(" ");
  return { apiVersion, kind, metadata: { name, namespace, labels }, ...rest };
}

const rbac = "rbac.authorization.k8s.io/v1";

/** A service account of the namespace that may do this, and nothing else. */
const account = (name: string, rules: readonly object[]): readonly KubeObject[] => [
  object("v1 ServiceAccount", name),
  object(`${rbac} Role`, name, { rules }),
  object(`${rbac} RoleBinding`, name, {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", name, namespace }],
  }),
];

/** Programs by name, as files of a ConfigMap. */
export const programs = (files: Readonly<Record<string, string>>): KubeObject =>
  object("v1 ConfigMap", "programs", { data: files });

const restricted = {
  runAsNonRoot: true,
  runAsUser: 65532,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

interface Program {
  readonly name: string;
  readonly file: string;
  readonly image: string;
  readonly env: readonly object[];
  readonly mounts?: readonly object[];
}

const container = ({ name, file, image, env, mounts = [] }: Program): object => ({
  name,
  image,
  imagePullPolicy: "Never",
  command: ["node", `/programs/${file}`],
  env,
  securityContext: restricted,
  volumeMounts: [{ name: "programs", mountPath: "/programs", readOnly: true }, ...mounts],
});

/** A token of the pod's service account for the issuer. */
const issuerToken = { path: "issuer", audience: "keyturn-issuer", expirationSeconds: 600 };
const tokenVolume = { name: "token", projected: { sources: [{ serviceAccountToken: issuerToken }] } };
const tokenMount = { name: "token", mountPath: "/var/run/secrets/tokens", readOnly: true };
const exchange = [
  { name: "ISSUER_URL", value: "http://$(TOKENS_ISSUER_SERVICE_HOST)" },
  { name: "TOKEN_FILE", value: "/var/run/secrets/tokens/issuer" },
];

const programsVolume = { name: "programs", configMap: { name: "programs" } };

const service = (name: string, port: number): KubeObject =>
  object("v1 Service", name, { spec: { selector: { app: name }, ports: [{ port, targetPort: port }] } });

/** Whom the applications deliver to: the pod, its Service, and what it may read. */
export function clientObjects(image: string): readonly KubeObject[] {
  const env = [
    { name: "NAMESPACE", value: namespace },
    { name: "SERVICE", value: app },
    { name: "JWKS_URL", value: `http://$(ORDERS_SERVICE_HOST):8080/.well-known/jwks.json` },
    { name: "ISSUER", value: rotationSpec.tokens.issuer },
    { name: "AUDIENCE", value: rotationSpec.tokens.audiences[0] },
    { name: "NODE_EXTRA_CA_CERTS", value: "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt" },
  ];
  return [
    ...account(client, [{ apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] }]),
    service(app, 8080),
    service(client, 8080),
    object("v1 Pod", client, {
      labels: { app: client },
      spec: {
        serviceAccountName: client,
        containers: [container({ name: client, file: "client.mjs", image, env })],
        volumes: [programsVolume],
      },
    }),
  ];
}

/** Where the replicas' gateways reach the issuer: what stands for a mesh has the way to it. */
export const issuerPort = 8090;

/** What the replicas' sessions need beside them: the bus, and a Service that says what its ports speak. */
export const sessionObjects = (natsImage: string): readonly KubeObject[] => [
  object("v1 Service", sessions, {
    spec: {
      selector: { app },
      ports: [
        { name: "sessions-ws", port: 8083, targetPort: "sessions-ws", appProtocol: "kubernetes.io/ws" },
        { name: "sessions-grpc", port: 8084, targetPort: "sessions-grpc", appProtocol: "kubernetes.io/h2c" },
      ],
    },
  }),
  service(bus, 4222),
  object("v1 Pod", bus, {
    labels: { app: bus },
    spec: {
      automountServiceAccountToken: false,
      containers: [{ name: bus, image: natsImage, imagePullPolicy: "Never", securityContext: restricted }],
    },
  }),
];

export const talkerAccount = object("v1 ServiceAccount", talker);

/** Clients with sessions, as their owner has them: an agent is put beside each. */
export function talkerSet(image: string): KubeObject {
  const env = [
    { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "CLIENT_URL", value: "http://$(CLIENT_SERVICE_HOST):8080" },
    { name: "WEB_SOCKET_URL", value: "ws://$(ORDERS_SESSIONS_SERVICE_HOST):8083" },
    { name: "GRPC_URL", value: "http://$(ORDERS_SESSIONS_SERVICE_HOST):8084" },
  ];
  return object("apps/v1 StatefulSet", talker, {
    spec: {
      ...{ replicas: talkers, serviceName: talker, podManagementPolicy: "Parallel" },
      selector: { matchLabels: { app: talker } },
      template: {
        metadata: { labels: { app: talker } },
        spec: {
          ...{ serviceAccountName: talker, automountServiceAccountToken: false, terminationGracePeriodSeconds: 5 },
          ...{ containers: [container({ name: "app", file: "talker.mjs", image, env })], volumes: [programsVolume] },
        },
      },
    },
  });
}

/** The application as its owner has it, before a gateway stands beside it. */
export function appDeployment(image: string): KubeObject {
  const env = [
    { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "MINT_URL", value: "http://127.0.0.1:8081/token" },
    { name: "CLIENT_URL", value: "http://$(CLIENT_SERVICE_HOST):8080/tokens" },
    { name: "TTL_SECONDS", value: String(times.tokenSeconds) },
  ];
  const ofLedger = [
    { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "CLIENT_URL", value: "http://$(CLIENT_SERVICE_HOST):8080" },
    { name: "ISSUER_HOST", value: "$(TOKENS_ISSUER_SERVICE_HOST)" },
    { name: "ISSUER_PORT", value: String(issuerPort) },
  ];
  return object("apps/v1 Deployment", app, {
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
        spec: {
          terminationGracePeriodSeconds: 20,
          containers: [
            container({ name: "app", file: "app.mjs", image, env }),
            container({ name: "ledger", file: "ledger.mjs", image, env: ofLedger }),
          ],
          volumes: [programsVolume],
        },
      },
    },
  });
}

/** Pods that have nothing but the token that the kubelet projects for the issuer. */
export function renewerObjects(image: string): readonly KubeObject[] {
  const env = [
    { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "CLIENT_URL", value: "http://$(CLIENT_SERVICE_HOST):8080" },
    ...exchange,
  ];
  const mounts = [tokenMount];
  return [
    object("v1 ServiceAccount", renewer),
    object("apps/v1 Deployment", renewer, {
      spec: {
        replicas: renewers,
        selector: { matchLabels: { app: renewer } },
        template: {
          metadata: { labels: { app: renewer } },
          spec: {
            ...{ serviceAccountName: renewer, automountServiceAccountToken: false, terminationGracePeriodSeconds: 5 },
            containers: [container({ name: "app", file: "renewer.mjs", image, env, mounts })],
            volumes: [programsVolume, tokenVolume],
          },
        },
      },
    }),
  ];
}

export const callerAccount = object("v1 ServiceAccount", caller);

/** Where the agent beside the applications listens for requests without a token. */
export const proxyAddress = "127.0.0.1:8082";

/** Applications that call the replicas' gateways, as their owner has them: an agent is put beside them. One needs none: it has the client. */
export function callerDeployment(image: string): KubeObject {
  const gateways = "http://$(ORDERS_SERVICE_HOST):8080";
  const containers = ways.map((way) => {
    const env = [
      { name: "WAY", value: way },
      { name: "CALL_URL", value: `${way === "proxy" ? `http://${proxyAddress}` : gateways}/verify` },
      { name: "CLIENT_URL", value: "http://$(CLIENT_SERVICE_HOST):8080" },
    ];
    if (way !== "client") return container({ name: way, file: "caller.mjs", image, env });
    return container({ name: way, file: "caller.mjs", image, env: [...env, ...exchange], mounts: [tokenMount] });
  });
  return object("apps/v1 Deployment", caller, {
    spec: {
      selector: { matchLabels: { app: caller } },
      template: {
        metadata: { labels: { app: caller } },
        spec: {
          ...{ serviceAccountName: caller, automountServiceAccountToken: false, terminationGracePeriodSeconds: 5 },
          ...{ containers, volumes: [programsVolume, tokenVolume] },
        },
      },
    },
  });
}
