import { isObject, itemsOf, type Members, membersOf, objectsIn } from "../../../src/parse/object.ts";

/**
 * What the SecurityContextConstraints `restricted-v2` of OpenShift ask of a pod (`oc get scc restricted-v2 -o yaml`); where the pod says nothing they
 * fill it in. The users and groups are those of one namespace.
 */
const restrictedV2 = {
  users: [1_000_680_000, 1_000_689_999],
  volumes: ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"],
  mayAdd: ["NET_BIND_SERVICE"],
} as const;

/** Why OpenShift would refuse the pod, a line each. */
export function refusalsOf(spec: Members): readonly string[] {
  const containers = [...objectsIn(spec["initContainers"]), ...objectsIn(spec["containers"])];
  return [
    ...ofPod(spec),
    ...containers.flatMap((one) => ofContainer(one).map((why) => `${String(one["name"])}: ${why}`)),
  ];
}

function ofPod(spec: Members): readonly string[] {
  const context = membersOf(spec["securityContext"]);
  const types = objectsIn(spec["volumes"]).map((volume) => Object.keys(volume).find((key) => key !== "name") ?? "");
  return [
    ...["hostNetwork", "hostPID", "hostIPC"].filter((name) => spec[name] === true),
    ...types.filter((type) => !isOneOf(restrictedV2.volumes, type)).map((type) => `volume ${type}`),
    ...outOfRange(context, "fsGroup"),
    ...(itemsOf(context["sysctls"]).length > 0 ? ["sysctls"] : []),
    ...ofBoth(context),
  ];
}

function ofContainer(container: Members): readonly string[] {
  const context = membersOf(container["securityContext"]);
  const { add, drop } = membersOf(context["capabilities"]);
  const dropped = itemsOf(drop);
  return [
    ...["privileged", "allowPrivilegeEscalation"].filter((name) => context[name] === true),
    ...itemsOf(add)
      .filter((one) => !isOneOf(restrictedV2.mayAdd, one))
      .map((one) => `capability ${String(one)}`),
    ...(dropped.length > 0 && !dropped.includes("ALL") ? ["capabilities.drop without ALL"] : []),
    ...objectsIn(container["ports"])
      .filter(({ hostPort }) => hostPort !== undefined)
      .map(({ hostPort }) => `hostPort ${String(hostPort)}`),
    ...(context["procMount"] === undefined || context["procMount"] === "Default" ? [] : ["procMount"]),
    ...ofBoth(context),
  ];
}

/** What a pod and its containers may both say. */
function ofBoth(context: Members): readonly string[] {
  const { seLinuxOptions, seccompProfile, runAsNonRoot } = context;
  const isProfile = seccompProfile === undefined || membersOf(seccompProfile)["type"] === "RuntimeDefault";
  return [
    ...outOfRange(context, "runAsUser"),
    ...(runAsNonRoot === false ? ["runAsNonRoot: false"] : []),
    ...(isObject(seLinuxOptions) ? ["seLinuxOptions"] : []),
    ...(isProfile ? [] : ["seccompProfile"]),
  ];
}

function outOfRange(context: Members, name: string): readonly string[] {
  const value = context[name];
  const [least, most] = restrictedV2.users;
  if (value === undefined || (typeof value === "number" && value >= least && value <= most)) return [];
  return [`${name} ${JSON.stringify(value)}`];
}

const isOneOf = (list: readonly string[], value: unknown): boolean => list.some((one) => one === value);
