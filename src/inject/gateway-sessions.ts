import type { Members } from "../parse/object.ts";
import { caItem } from "./issuer-token.ts";
import type { PortsByFlag } from "./native-sidecar.ts";

/** Sessions at the gateway, and the hub by which the application beside it sends and hears. */
export interface GatewaySessions {
  /** Where clients come in. */
  readonly ports: Readonly<Record<"--session-port" | "--session-grpc-port", number>> & PortsByFlag;
  /** Until the last session is closed when the pod ends. Unit: ms */
  readonly drainMs: number;
  /** What the gateway needs for the bus that `flags` name. */
  readonly bus?: BusFiles;
}

interface BusFiles {
  /** Name of a Secret with `nats.creds`. */
  readonly secretName?: string;
  /** Name of a ConfigMap with `ca.crt`: who signed the certificate of the bus. @default whom Node.js trusts */
  readonly caConfigMap?: string;
}

/** Names of its volumes; of these the application has the first one, too. */
export const sessionVolumes = { hub: "keyturn-hub", bus: "keyturn-bus" } as const;

const hubPath = "/run/keyturn-hub";
const busPath = "/run/keyturn/bus";
const hubAddress = `unix:${hubPath}/hub.sock`;

/** Where the application finds the hub. */
export const hubMount = { name: sessionVolumes.hub, mountPath: hubPath, readOnly: true } as const;

/** What the application is told: an address as gRPC has them. */
export const hubEnv = { name: "KEYTURN_HUB", value: hubAddress } as const;

export const sessionArgs = ({ ports, bus }: GatewaySessions): readonly string[] => [
  `--session-listen=:${ports["--session-port"]}`,
  `--session-grpc-listen=:${ports["--session-grpc-port"]}`,
  `--hub-listen=${hubAddress}`,
  ...(bus?.secretName === undefined ? [] : [`--session-bus-credentials-file=${busPath}/nats.creds`]),
  ...(bus?.caConfigMap === undefined ? [] : [`--session-bus-ca-file=${busPath}/ca.crt`]),
];

/** Names by which a Service finds them. */
export const sessionPorts = ({ ports }: GatewaySessions): readonly Members[] => [
  { name: "sessions-ws", containerPort: ports["--session-port"] },
  { name: "sessions-grpc", containerPort: ports["--session-grpc-port"] },
];

export const sessionMounts = ({ bus }: GatewaySessions): readonly Members[] => [
  { name: sessionVolumes.hub, mountPath: hubPath },
  ...(bus === undefined ? [] : [{ name: sessionVolumes.bus, mountPath: busPath, readOnly: true }]),
];

export function sessionVolumesOf({ bus }: GatewaySessions): readonly Members[] {
  const hub = { name: sessionVolumes.hub, emptyDir: { sizeLimit: "1Mi" } };
  if (bus === undefined) return [hub];
  const { secretName, caConfigMap } = bus;
  const credentials = { key: "nats.creds", path: "nats.creds" };
  const sources = [
    ...(secretName === undefined ? [] : [{ secret: { name: secretName, items: [credentials] } }]),
    ...(caConfigMap === undefined ? [] : [{ configMap: { name: caConfigMap, items: [caItem] } }]),
  ];
  return [hub, { name: sessionVolumes.bus, projected: { sources } }];
}
