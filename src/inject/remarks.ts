import type { Document } from "yaml";
import { defaultAccount } from "./account.ts";
import { agentName } from "./agent-sidecar.ts";
import { gatewayName, preStopSeconds } from "./gateway-sidecar.ts";
import type { WantedSidecars } from "./inject-options.ts";
import { listAt, type Path, valueAt } from "./manifest.ts";
import type { PutRecord } from "./put-record.ts";
import type { Account } from "./rights.ts";

interface Remarked {
  readonly spec: Path;
  /** Of the workload. */
  readonly name: string;
  readonly account: Account;
  readonly wanted: WantedSidecars;
  /** What the last run put. */
  readonly before: PutRecord | undefined;
  /** Of the account that is made. */
  readonly hasPullSecrets: boolean;
}

/** Whether it holds, and what it says. */
type WorkloadRemark = readonly [holds: boolean, text: string];

/** Of what goes. */
function ofBefore(
  document: Document,
  { spec, wanted, before }: Pick<Remarked, "spec" | "wanted" | "before">,
): readonly WorkloadRemark[] {
  const had = (container: string): boolean =>
    listAt(document, [...spec, "initContainers"]).some((one) => one["name"] === container);
  const token = before?.automountServiceAccountToken === false ? "" : "; automountServiceAccountToken stays as it is";
  return [
    [wanted.gateway === undefined && had(gatewayName), `the gateway that was injected before is taken away${token}`],
    [wanted.agent === undefined && had(agentName), "the agent that was injected before is taken away"],
  ];
}

/** What a person should know of a workload before anything is changed, a sentence each. */
export function remarks(
  document: Document,
  { spec, name, account, wanted, before, hasPullSecrets }: Remarked,
): readonly string[] {
  const { gateway, agent } = wanted;
  const is = (field: string): unknown => valueAt(document, [...spec, field]);
  const mounts = is("automountServiceAccountToken");
  const namespace = account.namespace ?? "default";
  const lastsSeconds = Number(is("terminationGracePeriodSeconds") ?? 30);
  const drainSeconds = Math.ceil((gateway?.sessions?.drainMs ?? 0) / 1000) + preStopSeconds;
  const found: readonly WorkloadRemark[] = [
    ...ofBefore(document, { spec, wanted, before }),
    [
      gateway !== undefined && mounts === undefined,
      "the application gets no API token any more (automountServiceAccountToken: false)",
    ],
    [
      gateway !== undefined && mounts === true,
      "the application gets an API token with which it can read the keys, too",
    ],
    [
      gateway !== undefined && !account.isOwn,
      `every pod of the service account "${account.name}" may read the keys from now on`,
    ],
    [
      (gateway ?? agent) !== undefined &&
        account.had === defaultAccount &&
        is("imagePullSecrets") === undefined &&
        !hasPullSecrets,
      `its service account is "${account.name}" now: what image pull secrets "${defaultAccount}" has, its pods have no more; --image-pull-secrets names them`,
    ],
    [
      agent !== undefined,
      `the agent comes to the issuer as "system:serviceaccount:${namespace}:${account.name}", by a token for "${agent?.issuerToken.audience}": the TokenIssuer must trust that`,
    ],
    [
      gateway?.sessions !== undefined && lastsSeconds < drainSeconds,
      `sessions that are still open are cut off when a pod ends: terminationGracePeriodSeconds must be at least ${drainSeconds}, is ${lastsSeconds}`,
    ],
    [
      (gateway ?? agent) !== undefined && is("shareProcessNamespace") === true,
      "the application can look into the sidecar's process (shareProcessNamespace: true)",
    ],
    [
      gateway !== undefined && account.namespace === undefined,
      `the manifest names no namespace: the rights are for "default"; --namespace names another`,
    ],
  ];
  return found.flatMap(([holds, text]) => (holds ? [`${name}: ${text}`] : []));
}
