import { Argument, type Option } from "commander";
import { quoted } from "../errors/quote.ts";
import { rotations } from "../parse/api-names.ts";
import { clusterFlags } from "./cluster-access.ts";
import { dirFlag, durationFlag, each, flag } from "./flags.ts";
import { UsageError } from "./report-error.ts";

const owner = "cluster";

/** Which rotation a tool works on. These may stand before the command as well. */
export const homeFlags = (): readonly Option[] => [
  dirFlag(),
  ...[
    flag("-n, --namespace <name>", "of the rotation, on a cluster", {
      owner,
      otherwise: "the context's, or the pod's",
    }),
    ...clusterFlags(),
    flag("-s, --server <url>", "of the API", { owner, parse: serverUrl, otherwise: "the kubeconfig's" }),
    flag("--as <user>", "act as somebody else, whom you may impersonate", { owner }),
    groupFlag(),
    flag("--as-uid <uid>", "and with this uid, with --as", { owner }),
    flag("--request-timeout <duration>", "how long one request may take; 0: any time", {
      owner,
      parse: requestTimeout,
      otherwise: "10s",
    }),
  ].map((option) => option.helpGroup("On a cluster:")),
];

const groupFlag = (): Option =>
  each(
    flag("--as-group <group>", "and as a member of this group, with --as; may be repeated", { owner }),
    (text) => text,
  );

function serverUrl(text: string, name: string): string {
  if (/^https?:\/\/[^/]/.test(text) && URL.canParse(text)) return text;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must be a URL such as https://10.0.0.1:6443`);
}

/** As kubectl has it: a number alone is seconds. */
const requestTimeout = (text: string, name: string): number =>
  durationFlag(/^\d+$/.test(text) ? `${text}s` : text, name);

const resourceNames: readonly string[] = ["jkr", rotations.kind.toLowerCase(), rotations.plural].flatMap((name) => [
  name,
  `${name}.${rotations.group}`,
  `${name}.${rotations.version}.${rotations.group}`,
]);

/** The name of a rotation, given alone or as `kubectl get -o name` prints it. @throws UsageError */
export function plainName(text: string): string {
  const [kind = "", name, ...more] = text.split("/");
  if (name === undefined) return text;
  if (more.length === 0 && name !== "" && resourceNames.includes(kind.toLowerCase())) return name;
  const hint = more.length === 0 && name !== "" ? `; for that of a namespace: ${name} -n ${kind}` : "";
  throw new UsageError(`Cannot use ${quoted(text)}: must be a name, alone or behind jkr/${hint}`);
}

export const rotationArgument = (): Argument =>
  new Argument("[rotation]", "the JwtKeyRotation, on a cluster (default: the only one of the namespace)").argParser(
    plainName,
  );

/** The flags, with the rotation that was named. */
export const withRotation = <Flags extends object>(rotation: string | undefined, flags: Flags) => ({
  ...flags,
  ...(rotation !== undefined && { rotation }),
});
