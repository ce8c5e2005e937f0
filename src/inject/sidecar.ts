import type { Members } from "../parse/object.ts";

/** What is put beside an application. */
export interface SidecarOptions {
  /** Name of the JwtKeyRotation. */
  readonly rotation: string;
  /** Name of its Secret. @default the rotation's name, as `spec.secretName` has it */
  readonly secretName?: string;
  /** Read the public ConfigMap alone: verify and serve, never mint. */
  readonly isPublic?: boolean;
  readonly image: string;
  /** TCP ports that it listens on, 1 to 65535, by the flag that says so: of requests, of probes, and those of `flags`. */
  readonly ports: Readonly<Record<"--port" | "--admin-port", number>> &
    Readonly<Partial<Record<"--mint-listen" | "--grpc-listen", number>>>;
  /** Further flags of `keyturn gateway`. */
  readonly flags: readonly string[];
  /** What `flags` say of acknowledgements. @default required */
  readonly acks?: "required" | "off";
  /** Who it is at the issuer that tells it of revocations. Absent: it asks none, or `flags` say who it is. */
  readonly issuerToken?: IssuerToken;
}

/** A token of the pods' service account, which the kubelet writes and renews. */
export interface IssuerToken {
  /** Whom it is for: an audience of the trust in the TokenIssuer. */
  readonly audience: string;
  /** Name of a ConfigMap with `ca.crt`: who signed the issuer's certificate. @default whom Node.js trusts */
  readonly caConfigMap?: string;
}

/** The API object that the sidecar reads. */
export interface RingObjectRef {
  readonly kind: "Secret" | "ConfigMap";
  readonly resource: "secrets" | "configmaps";
  readonly name: string;
}

export function ringObjectRef({ rotation, secretName = rotation, isPublic = false }: SidecarOptions): RingObjectRef {
  if (!isPublic) return { kind: "Secret", resource: "secrets", name: secretName };
  return { kind: "ConfigMap", resource: "configmaps", name: `${secretName}-public` };
}

/** Name of the container; its volumes begin with it. */
export const sidecarName = "keyturn";

const keysPath = "/run/keyturn/keys";
const floorPath = "/run/keyturn/floor";
const issuerPath = "/run/keyturn/issuer";

/** The volume of an {@link IssuerToken}. */
export const issuerVolumeName = "keyturn-issuer";

const caItem: Members = { key: "ca.crt", path: "ca.crt" };

const downward = (name: string, fieldPath: string): Members => ({ name, valueFrom: { fieldRef: { fieldPath } } });

/**
 * A native sidecar: an init container that goes on (Kubernetes 1.29; its preStop needs 1.30). The application starts once the gateway is ready, and
 * ends before it. It passes the Pod Security Standard `restricted`.
 */
export function sidecarContainer(options: SidecarOptions): Members {
  const { rotation, isPublic = false, image, ports, flags, issuerToken } = options;
  const { "--port": port, "--admin-port": adminPort } = ports;
  return {
    name: sidecarName,
    image,
    restartPolicy: "Always",
    args: [
      "gateway",
      `--rotation=${rotation}`,
      `--object=${ringObjectRef(options).name}`,
      ...(isPublic ? ["--public"] : []),
      `--mount=${keysPath}`,
      `--floor-dir=${floorPath}`,
      `--listen=:${port}`,
      `--admin-listen=:${adminPort}`,
      ...flags,
      ...(issuerToken === undefined ? [] : issuerFlags(issuerToken)),
    ],
    env: [downward("KEYTURN_POD_NAME", "metadata.name"), downward("KEYTURN_POD_UID", "metadata.uid")],
    ports: [
      { name: "keyturn", containerPort: port },
      { name: "keyturn-admin", containerPort: adminPort },
    ],
    startupProbe: { httpGet: { path: "/readyz", port: "keyturn-admin" }, periodSeconds: 1, failureThreshold: 300 },
    readinessProbe: { httpGet: { path: "/readyz", port: "keyturn-admin" }, periodSeconds: 2 },
    livenessProbe: { httpGet: { path: "/livez", port: "keyturn-admin" } },
    // Services and proxies hear a moment later that the pod goes
    lifecycle: { preStop: { sleep: { seconds: 5 } } },
    resources: { requests: { cpu: "10m", memory: "80Mi" }, limits: { memory: "192Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      seccompProfile: { type: "RuntimeDefault" },
    },
    volumeMounts: [
      { name: "keyturn-keys", mountPath: keysPath, readOnly: true },
      { name: "keyturn-floor", mountPath: floorPath },
      { name: "keyturn-token", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true },
      ...(issuerToken === undefined ? [] : [{ name: issuerVolumeName, mountPath: issuerPath, readOnly: true }]),
    ],
  };
}

const issuerFlags = ({ caConfigMap }: IssuerToken): readonly string[] => [
  `--revocations-token-file=${issuerPath}/token`,
  ...(caConfigMap === undefined ? [] : [`--revocations-ca-file=${issuerPath}/ca.crt`]),
];

/** Keys, floor and tokens of the sidecar: no other container mounts them. */
export function sidecarVolumes(options: SidecarOptions): readonly Members[] {
  const { kind, name } = ringObjectRef(options);
  return [
    { name: "keyturn-keys", ...(kind === "Secret" ? { secret: { secretName: name } } : { configMap: { name } }) },
    { name: "keyturn-floor", emptyDir: { sizeLimit: "4Mi" } },
    {
      name: "keyturn-token",
      projected: {
        sources: [
          { serviceAccountToken: { path: "token" } },
          { configMap: { name: "kube-root-ca.crt", items: [caItem] } },
          { downwardAPI: { items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }] } },
        ],
      },
    },
    ...(options.issuerToken === undefined ? [] : [issuerVolume(options.issuerToken)]),
  ];
}

const issuerVolume = ({ audience, caConfigMap }: IssuerToken): Members => ({
  name: issuerVolumeName,
  projected: {
    sources: [
      { serviceAccountToken: { path: "token", audience, expirationSeconds: 3600 } },
      ...(caConfigMap === undefined ? [] : [{ configMap: { name: caConfigMap, items: [caItem] } }]),
    ],
  },
});
