import type { Members } from "../parse/object.ts";
import { caItem, issuerFiles, issuerMount, type IssuerToken, issuerVolume } from "./issuer-token.ts";
import {
  type GatewaySessions,
  sessionArgs,
  sessionMounts,
  sessionPorts,
  sessionVolumes,
  sessionVolumesOf,
} from "./gateway-sessions.ts";
import { nativeSidecar, type PortsByFlag, type SidecarUser } from "./native-sidecar.ts";

/** The gateway beside an application. */
export interface GatewaySidecar {
  /** Name of the JwtKeyRotation. */
  readonly rotation: string;
  /** Name of its Secret. @default the rotation's name, as `spec.secretName` has it */
  readonly secretName?: string;
  /** Read the public ConfigMap alone: verify and serve, never mint. */
  readonly isPublic?: boolean;
  readonly image: string;
  /** @default the image's */
  readonly runAsUser?: SidecarUser;
  /** Of requests, of probes, and those of `flags`. */
  readonly ports: Readonly<Record<"--port" | "--admin-port", number>> & PortsByFlag;
  /** Further flags of `keyturn gateway`. */
  readonly flags: readonly string[];
  /** What `flags` say of acknowledgements. @default required */
  readonly acks?: "required" | "off";
  /** Who it is at the issuer that tells it of revocations. Absent: it asks none, or `flags` say who it is. */
  readonly issuerToken?: IssuerToken;
  /** @default it accepts none */
  readonly sessions?: GatewaySessions;
}

/** The API object that the gateway reads. */
export interface RingObjectRef {
  readonly kind: "Secret" | "ConfigMap";
  readonly resource: "secrets" | "configmaps";
  readonly name: string;
}

export function ringObjectRef({ rotation, secretName = rotation, isPublic = false }: GatewaySidecar): RingObjectRef {
  if (!isPublic) return { kind: "Secret", resource: "secrets", name: secretName };
  return { kind: "ConfigMap", resource: "configmaps", name: `${secretName}-public` };
}

/** Name of the container. */
export const gatewayName = "keyturn";

const volumes = {
  keys: "keyturn-keys",
  floor: "keyturn-floor",
  token: "keyturn-token",
  issuer: "keyturn-issuer",
} as const;

/** Every volume that it may have. */
export const gatewayVolumeNames: readonly string[] = [...Object.values(volumes), ...Object.values(sessionVolumes)];

/** Services and proxies hear a moment later that the pod goes. */
export const preStopSeconds = 5;

const keysPath = "/run/keyturn/keys";
const floorPath = "/run/keyturn/floor";

// What is owned as a whole says all that the API server would fill in: else a second owner who says the same (Helm after kubectl) is refused
const fieldRef = (fieldPath: string): Members => ({ apiVersion: "v1", fieldPath });
const downward = (name: string, fieldPath: string): Members => ({ name, valueFrom: { fieldRef: fieldRef(fieldPath) } });

export function gatewayContainer(options: GatewaySidecar): Members {
  const { rotation, isPublic = false, image, runAsUser, ports, flags, issuerToken, sessions } = options;
  const { "--port": port, "--admin-port": adminPort } = ports;
  return nativeSidecar({
    name: gatewayName,
    image,
    runAsUser,
    args: [
      "gateway",
      `--rotation=${rotation}`,
      `--object=${ringObjectRef(options).name}`,
      ...(isPublic ? ["--public"] : []),
      `--mount=${keysPath}`,
      `--floor-dir=${floorPath}`,
      `--listen=:${port}`,
      `--admin-listen=:${adminPort}`,
      ...(sessions === undefined ? [] : sessionArgs(sessions)),
      ...flags,
      ...(issuerToken === undefined ? [] : issuerFlags(issuerToken)),
    ],
    env: [downward("KEYTURN_POD_NAME", "metadata.name"), downward("KEYTURN_POD_UID", "metadata.uid")],
    ports: [
      { name: "keyturn", containerPort: port },
      { name: "keyturn-admin", containerPort: adminPort },
      ...(sessions === undefined ? [] : sessionPorts(sessions)),
    ],
    adminPort: "keyturn-admin",
    lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } },
    memory: sessions === undefined ? { requests: "80Mi", limits: "192Mi" } : { requests: "128Mi", limits: "768Mi" },
    volumeMounts: [
      { name: volumes.keys, mountPath: keysPath, readOnly: true },
      { name: volumes.floor, mountPath: floorPath },
      { name: volumes.token, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true },
      ...(issuerToken === undefined ? [] : [issuerMount(volumes.issuer)]),
      ...(sessions === undefined ? [] : sessionMounts(sessions)),
    ],
  });
}

const issuerFlags = ({ caConfigMap }: IssuerToken): readonly string[] => [
  `--revocations-token-file=${issuerFiles.token}`,
  ...(caConfigMap === undefined ? [] : [`--revocations-ca-file=${issuerFiles.ca}`]),
];

/** Keys, floor and tokens of the gateway, which no other container mounts; and the hub's socket, which the application has, too. */
export function gatewayVolumes(options: GatewaySidecar): readonly Members[] {
  const { kind, name } = ringObjectRef(options);
  const { issuerToken, sessions } = options;
  return [
    { name: volumes.keys, ...(kind === "Secret" ? { secret: { secretName: name } } : { configMap: { name } }) },
    { name: volumes.floor, emptyDir: { sizeLimit: "4Mi" } },
    {
      name: volumes.token,
      projected: {
        sources: [
          { serviceAccountToken: { path: "token", expirationSeconds: 3600 } },
          { configMap: { name: "kube-root-ca.crt", items: [caItem] } },
          { downwardAPI: { items: [{ path: "namespace", fieldRef: fieldRef("metadata.namespace") }] } },
        ],
      },
    },
    ...(issuerToken === undefined ? [] : [issuerVolume(volumes.issuer, issuerToken)]),
    ...(sessions === undefined ? [] : sessionVolumesOf(sessions)),
  ];
}
