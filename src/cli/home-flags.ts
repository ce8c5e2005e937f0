import { Argument, type Option } from "commander";
import { clusterFlags } from "./cluster-access.ts";
import { dirFlag, flag } from "./flags.ts";

/** Which rotation a tool works on. */
export const homeFlags = (): readonly Option[] => [
  dirFlag(),
  flag("-n, --namespace <name>", "of the rotation, on a cluster", {
    owner: "cluster",
    otherwise: "the context's, or the pod's",
  }),
  ...clusterFlags(),
];

export const rotationArgument = (): Argument =>
  new Argument("[rotation]", "the JwtKeyRotation, on a cluster (default: the only one of the namespace)");

/** The flags, with the rotation that was named. */
export const withRotation = <Flags extends object>(rotation: string | undefined, flags: Flags) => ({
  ...flags,
  ...(rotation !== undefined && { rotation }),
});
