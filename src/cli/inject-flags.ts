import type { Option } from "commander";
import { quoted } from "../errors/quote.ts";
import { selectorIn, type WorkloadSelector } from "../inject/selector.ts";
import type { SidecarUser } from "../inject/native-sidecar.ts";
import { each, flag, numberWithin } from "./flags.ts";
import { UsageError } from "./report-error.ts";

const owner = "inject";

export interface InjectFlags {
  readonly filename: readonly string[];
  readonly recursive?: boolean;
  readonly only?: readonly WorkloadSelector[];
  readonly skip?: readonly WorkloadSelector[];
  readonly allowNone?: boolean;
  readonly namespace?: string;
  readonly image?: string;
  readonly imagePullSecrets?: readonly string[];
  /** False: none is said. */
  readonly runAsUser?: number | false;
  readonly remove?: boolean;
  readonly rotation?: string;
  readonly secretName?: string;
  readonly public?: boolean;
  readonly port?: number;
  readonly adminPort?: number;
  readonly revocationsAudience?: string;
  readonly revocationsCaConfigMap?: string;
  readonly sessions?: boolean;
  readonly sessionPort?: number;
  readonly sessionGrpcPort?: number;
  readonly sessionBusSecret?: string;
  readonly sessionBusCaConfigMap?: string;
  readonly agent?: boolean;
  readonly agentConfig?: string;
  readonly agentAudience?: string;
  readonly agentCaConfigMap?: string;
  readonly agentAdminPort?: number;
}

/** Of ServiceAccount tokens for an issuer, unless another one is named. */
export const defaultAudience = "keyturn-issuer";

/** What these flags are good for without the one that asks for it: nothing. */
const ofOne = {
  rotation: ["secretName", "public", "port", "adminPort", "revocationsAudience", "revocationsCaConfigMap", "sessions"],
  sessions: ["sessionPort", "sessionGrpcPort", "sessionBusSecret", "sessionBusCaConfigMap"],
  agent: ["agentAudience", "agentCaConfigMap", "agentAdminPort"],
} as const;

export const injectFlags = (): readonly Option[] => [
  ...manifestFlags(),
  ...podFlags(),
  ...gatewayFlags(),
  ...sessionPartFlags(),
  ...agentPartFlags(),
  flag("--remove", "put nothing, and take away what was injected before", { owner }).conflicts(["rotation", "agent"]),
];

/** What is read, and which of it is looked at. */
const manifestFlags = (): readonly Option[] => [
  each(
    flag("-f, --filename <file>", "a manifest, or a directory of them; - reads standard input; may be there often", {
      owner,
    }),
    (text) => text,
  ).makeOptionMandatory(),
  flag("-R, --recursive", "with -f of a directory: those below it, too", { owner }),
  each(
    flag("--only <workload>", "Deployment, orders, Deployment/orders or app=orders: no others; may be there often", {
      owner,
      otherwise: "every workload",
    }),
    selector("--only"),
  ),
  each(
    flag("--skip <workload>", "as --only: leave these as they are; may be there often", { owner }),
    selector("--skip"),
  ),
  flag("--allow-none", "print a manifest without a workload as it is, in place of an error", { owner }),
];

/** Of every sidecar, and of who the pods are. */
const podFlags = (): readonly Option[] => [
  flag("-n, --namespace <name>", "of what is added, where the manifest names none", { owner, otherwise: "default" }),
  flag("--image <image>", "of the sidecars", { owner, otherwise: "ghcr.io/keyturn/keyturn of this version" }),
  flag("--image-pull-secrets <list>", "with commas between: of the service accounts that are made", {
    owner,
    parse: (text, flagName) => text.split(",").map((one) => name(one.trim(), flagName)),
    otherwise: "those that the manifest has for the pods' accounts",
  }),
  flag("--run-as-user <number>", "user of the sidecars", {
    owner,
    parse: numberWithin(1, 2_147_483_647),
    otherwise: "65532, as the image has it",
  }),
  flag("--no-run-as-user", "name no user: the cluster gives one, as OpenShift does", { owner }),
];

const gatewayFlags = (): readonly Option[] => [
  flag("--rotation <name>", "the gateway of this JwtKeyRotation", { owner, parse: name }),
  flag("--secret-name <name>", "its spec.secretName", { owner, parse: name, otherwise: "the rotation's name" }),
  flag("--public", "read the public ConfigMap: verify, serve JWKS, never mint", { owner }),
  flag("--port <number>", "forward-auth and JWKS", { owner, parse: port, otherwise: "8080" }),
  flag("--admin-port <number>", "probes and metrics of the gateway", { owner, parse: port, otherwise: "9090" }),
  flag("--revocations-audience <text>", "with --revocations after --: whom the token for the issuer is for", {
    owner,
    otherwise: defaultAudience,
  }),
  flag("--revocations-ca-config-map <name>", "and the ConfigMap whose ca.crt signed the issuer's certificate", {
    owner,
    parse: name,
    otherwise: "whom Node.js trusts",
  }),
];

const sessionPartFlags = (): readonly Option[] => [
  flag("--sessions", "sessions over WebSocket and gRPC, and the hub's socket for the application", { owner }),
  flag("--session-port <number>", "WebSocket", { owner, parse: port, otherwise: "8083" }),
  flag("--session-grpc-port <number>", "gRPC", { owner, parse: port, otherwise: "8084" }),
  flag("--session-bus-secret <name>", "with --session-bus after --: the Secret whose nats.creds lets the gateway in", {
    owner,
    parse: name,
  }),
  flag("--session-bus-ca-config-map <name>", "and the ConfigMap whose ca.crt signed the certificate of the bus", {
    owner,
    parse: name,
    otherwise: "whom Node.js trusts",
  }),
];

const agentPartFlags = (): readonly Option[] => [
  flag("--agent", "the agent, which keeps a token fresh", { owner }),
  flag("--agent-config <name>", "the agent with many identities: a ConfigMap whose agent.yaml is its TokenAgent file", {
    owner,
    parse: name,
  }).implies({ agent: true }),
  flag("--agent-audience <text>", "whom the agent's token for the issuer is for", {
    owner,
    otherwise: defaultAudience,
  }),
  flag("--agent-ca-config-map <name>", "the ConfigMap whose ca.crt signed the certificate of the agent's issuer", {
    owner,
    parse: name,
    otherwise: "whom Node.js trusts",
  }),
  flag("--agent-admin-port <number>", "probes and metrics of the agent", { owner, parse: port, otherwise: "9091" }),
];

/** Who the sidecars are to run as. */
export const userOf = ({ runAsUser }: Pick<InjectFlags, "runAsUser">): { readonly runAsUser?: SidecarUser } =>
  runAsUser === undefined ? {} : { runAsUser: runAsUser === false ? "any" : runAsUser };

const selector =
  (flagName: string) =>
  (text: string): WorkloadSelector => {
    const found = selectorIn(text);
    if (found !== undefined) return found;
    throw new UsageError(
      `Cannot use ${flagName} ${quoted(text)}: must be a kind, a name, KIND/NAME or LABEL=VALUE of a workload`,
    );
  };

/** @throws UsageError where they ask for nothing, or say something of a sidecar that they do not ask for */
export function mustAskForSomething(given: InjectFlags): void {
  const { rotation, agent, remove } = given;
  if (rotation === undefined && agent !== true && remove !== true) {
    throw new UsageError("Cannot inject: must have --rotation, --agent or --remove");
  }
  for (const asking of ["rotation", "sessions", "agent"] as const) {
    const wrong = given[asking] === undefined ? ofOne[asking].find((one) => given[one] !== undefined) : undefined;
    if (wrong === undefined) continue;
    const shown = wrong.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`Cannot use --${shown}: must have --${asking} beside it`);
  }
}

/** Names of Secrets, and values of labels. */
function name(text: string, flagName: string): string {
  if (/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new UsageError(`Cannot use ${flagName} ${quoted(text)}: must be a name (a-z, 0-9, - and ., 63 characters)`);
}

function port(text: string, flagName: string): number {
  const number = Number(text);
  // The image's user may bind no port below
  if (Number.isInteger(number) && number >= 1024 && number <= 65_535) return number;
  throw new UsageError(`Cannot use ${flagName} ${quoted(text)}: must be a port from 1024 to 65535`);
}
