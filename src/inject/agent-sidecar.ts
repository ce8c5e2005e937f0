import type { Members } from "../parse/object.ts";
import { issuerFiles, issuerMount, type IssuerToken, issuerVolume } from "./issuer-token.ts";
import { nativeSidecar, type PortsByFlag, type SidecarUser } from "./native-sidecar.ts";

/** The agent beside an application. */
export interface AgentSidecar {
  readonly image: string;
  /** @default the image's */
  readonly runAsUser?: SidecarUser;
  /** Whom it keeps: one identity, with the token of the pods' service account; or those of a TokenAgent file, `agent.yaml` of a ConfigMap. */
  readonly keeps: { readonly identity: string } | { readonly configMap: string };
  readonly issuerToken: IssuerToken;
  /** Of probes, and those of `flags`. */
  readonly ports: Readonly<Record<"--agent-admin-port", number>> & PortsByFlag;
  /** Further flags of `keyturn agent`. */
  readonly flags: readonly string[];
}

/** Name of the container, and of the volume that the application has, too. */
export const agentName = "keyturn-agent";

const volumes = {
  shared: agentName,
  state: "keyturn-agent-state",
  issuer: "keyturn-agent-issuer",
  config: "keyturn-agent-config",
} as const;

/** Every volume that it may have. */
export const agentVolumeNames: readonly string[] = Object.values(volumes);

/** Where the application finds token and socket. */
export const sharedPath = "/run/keyturn-agent";
const socketPath = `${sharedPath}/agent.sock`;
const tokenPath = `${sharedPath}/token`;
const statePath = "/run/keyturn/state";
const configPath = "/run/keyturn/config";

/** With ten thousand identities it stays within its limit of memory; by itself Node.js would let garbage grow to twice of what lives. */
const heapLimits = { name: "NODE_OPTIONS", value: "--max-old-space-size=160 --max-semi-space-size=4" } as const;

export function agentContainer(options: AgentSidecar): Members {
  const { image, runAsUser, keeps, issuerToken, ports, flags } = options;
  const adminPort = ports["--agent-admin-port"];
  return nativeSidecar({
    name: agentName,
    image,
    runAsUser,
    args: [
      "agent",
      ...("configMap" in keeps ? [`--config=${configPath}/agent.yaml`] : identityFlags(issuerToken)),
      `--state-dir=${statePath}`,
      `--listen=unix:${socketPath}`,
      `--admin-listen=:${adminPort}`,
      // The startup probe holds the application back; a process that ends would be started anew more and more seldom
      "--start-without",
      ...flags,
    ],
    env: [heapLimits],
    ports: [{ name: agentName, containerPort: adminPort }],
    adminPort: agentName,
    memory: { requests: "64Mi", limits: "192Mi" },
    volumeMounts: [
      { name: volumes.shared, mountPath: sharedPath },
      { name: volumes.state, mountPath: statePath },
      issuerMount(volumes.issuer),
      ...("configMap" in keeps ? [{ name: volumes.config, mountPath: configPath, readOnly: true }] : []),
    ],
  });
}

/** The group of the sidecar may read the file: the application's processes are in it (docs/agent.md). */
const identityFlags = ({ caConfigMap }: IssuerToken): readonly string[] => [
  `--token-file=${issuerFiles.token}`,
  ...(caConfigMap === undefined ? [] : [`--ca-file=${issuerFiles.ca}`]),
  `--sink-file=${tokenPath}`,
  "--sink-mode=0640",
];

/** In memory, and of the size of many tokens: nothing of it is ever on the node's disk. */
export function agentVolumes({ keeps, issuerToken }: AgentSidecar): readonly Members[] {
  const inMemory = { medium: "Memory", sizeLimit: "16Mi" };
  return [
    { name: volumes.shared, emptyDir: inMemory },
    { name: volumes.state, emptyDir: inMemory },
    issuerVolume(volumes.issuer, issuerToken),
    ...("configMap" in keeps ? [{ name: volumes.config, configMap: { name: keeps.configMap } }] : []),
  ];
}

/** The application reads there, and writes nothing. */
export const agentMount = { name: volumes.shared, mountPath: sharedPath, readOnly: true } as const;

/** What the application is told. */
export function agentEnv({ keeps }: Pick<AgentSidecar, "keeps">): readonly Members[] {
  const socket = { name: "KEYTURN_AGENT_SOCKET", value: socketPath };
  if ("configMap" in keeps) return [socket];
  return [socket, { name: "KEYTURN_IDENTITY", value: keeps.identity }, tokenFile];
}

const tokenFile = { name: "KEYTURN_TOKEN_FILE", value: tokenPath } as const;

/** All of it, the socket first: that is always told. */
export const agentEnvNames: readonly string[] = ["KEYTURN_AGENT_SOCKET", "KEYTURN_IDENTITY", tokenFile.name];

/** This is told with an identity, and by nobody else. */
export const isAgentTokenFile = ({ name, value }: Members): boolean =>
  name === tokenFile.name && value === tokenFile.value;
