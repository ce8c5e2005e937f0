import type { Option } from "commander";
import { quoted } from "../errors/quote.ts";
import type { SourcesPlan } from "../holder/assemble.ts";
import { instanceName } from "../ring/ack-document.ts";
import { dirFlag, flag } from "./flags.ts";
import { UsageError } from "./report-error.ts";
import type { Cli, HomeFlags } from "./surroundings.ts";

/** Where a program that holds a ring takes it from, and where it says that it has it. */
export interface SourceFlags extends HomeFlags {
  readonly mount?: string;
  readonly object?: string;
  readonly namespace?: string;
  readonly rotation?: string;
  readonly acks?: "required" | "off";
  readonly podName?: string;
  readonly podUid?: string;
  readonly floorDir?: string;
  readonly instance?: string;
}

/** @param owner - The command */
export const sourceFlags = (owner: "gateway" | "issuer"): readonly Option[] => [
  dirFlag(),
  flag("--mount <directory>", "where the kubelet shows the signer Secret or the public ConfigMap"),
  flag("--object <name>", "that Secret or ConfigMap, to be watched on the API server"),
  flag("--namespace <name>", "of the object and of this pod", { otherwise: "the pod's" }),
  flag("--rotation <name>", "the JwtKeyRotation, for acknowledgements", { owner }),
  flag("--acks <mode>", `whether the controller waits for this ${owner}`, {
    owner,
    choices: ["required", "off"],
    otherwise: "required",
  }),
  flag("--pod-name <name>", "this pod, by the downward API"),
  flag("--pod-uid <uid>", "its metadata.uid, by the downward API"),
  flag("--floor-dir <directory>", "an emptyDir: what was served before a restart", { owner }),
  flag("--instance <name>", `with --dir: names this ${owner} among others there`, {
    owner,
    parse: instance,
    otherwise: "one that is made up",
  }),
];

/**
 * @param ring - Which of the two objects
 * @param userAgent - For the API server
 * @throws UsageError
 */
export async function sourcesOf(
  cli: Cli,
  flags: SourceFlags,
  { ring, userAgent }: { readonly ring: SourcesPlan["ring"]; readonly userAgent: string },
): Promise<SourcesPlan> {
  const { dir, mount, object, rotation, acks = "required", floorDir } = flags;
  const common = { ring, acks, ...(rotation !== undefined && { rotation }) };
  if (dir !== undefined) {
    if (mount !== undefined || object !== undefined) {
      throw new UsageError("Cannot run: --dir is the whole source, must be without --mount and --object");
    }
    return { kind: "directory", ...common, dir, instance: flags.instance ?? cli.io.randomId() };
  }
  const { podName: name, podUid: uid } = flags;
  const api = object !== undefined || acks === "required" ? await apiOf(cli, flags, userAgent) : undefined;
  return {
    kind: "cluster",
    ...common,
    ...(mount !== undefined && { mount }),
    ...(object !== undefined && { object }),
    ...(floorDir !== undefined && { floorDir }),
    ...(name !== undefined && uid !== undefined && { pod: { name, uid } }),
    ...(api && { api }),
  };
}

async function apiOf(cli: Cli, flags: SourceFlags, userAgent: string) {
  const [{ inClusterEndpoint, podNamespace }, { systemClock }] = await Promise.all([
    import("../kube/in-cluster.ts"),
    import("../time/clock.ts"),
  ]);
  const options = { env: process.env, readFile: (path: string) => cli.readFile(path), clock: systemClock };
  const endpoint = inClusterEndpoint(options);
  const namespace = flags.namespace ?? (await podNamespace(options));
  return { endpoint, namespace, userAgent };
}

function instance(text: string, name: string): string {
  if (instanceName.test(text)) return text;
  throw new UsageError(
    `Cannot use ${name} ${quoted(text)}: must be 1 to 201 of A-Z, a-z, 0-9, ., _ and -, a letter or digit first`,
  );
}
