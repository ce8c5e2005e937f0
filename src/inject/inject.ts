import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { accountOf, pullSecretsOf } from "./account.ts";
import type { InjectOptions } from "./inject-options.ts";
import { settleMade } from "./made-objects.ts";
import { manifestOf, type Part, readManifest, textAt } from "./manifest.ts";
import { isInjected, putSidecars } from "./put-sidecars.ts";
import { accountObject, type ManifestObject, rightsOf } from "./rights.ts";
import { idleIn, isChosen } from "./selector.ts";
import { optOutOf, type Workload, workloadIn, workloadText } from "./workloads.ts";

export interface Injected {
  /** The manifest: what it was, the sidecars in its workloads, and the rights that they need. */
  readonly manifest: string;
  /** What a person should know, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Puts gateway and agent beside the application in every workload of the manifest that is chosen. Injecting again changes nothing, or brings up
 * to date what was injected; what somebody has edited in it stays. Other documents stay to the last byte, comments everywhere.
 *
 * @throws ChangeNeededError when the text is no manifest, has no workload, or has one beside which they do not fit
 */
export function inject(text: string, options: InjectOptions): Injected {
  const read = readManifest(text);
  const workloads = read.parts.map(workloadIn).filter((one) => one !== undefined);
  const { choice = {} } = options;
  const chosen = workloads.filter((one) => isChosen(one, choice));
  mustBeSome(workloads, chosen, options);
  const notes = idleIn(choice, workloads).map((one) => `no workload is ${one}`);
  const accounts = read.parts.filter(({ document }) => textAt(document, ["kind"]) === "ServiceAccount");
  const made = chosen.flatMap((workload) => injectInto(workload, { options, accounts, notes }));
  const left = workloads.filter((one) => !chosen.includes(one)).map((one) => accountOf(one, options.namespace));
  const parts = settleMade(read.parts, { made, left });
  return { manifest: manifestOf({ ...read, parts }), notes: [...new Set(notes)] };
}

function mustBeSome(
  workloads: readonly Workload[],
  chosen: readonly Workload[],
  { choice, mayBeNone }: InjectOptions,
): void {
  if (mayBeNone === true) return;
  if (workloads.length === 0) {
    throw new ChangeNeededError(
      "NoWorkload",
      `Cannot inject: the manifest must have a workload (${workloadText}), has none`,
    );
  }
  if (chosen.length > 0 || choice?.only === undefined) return;
  const all = workloads.map(({ kind, name }) => `${kind}/${name}`).join(", ");
  throw new ChangeNeededError("NoWorkload", `Cannot inject: --only and --skip must leave a workload of ${all}`);
}

interface Injecting {
  readonly options: InjectOptions;
  /** The service accounts of the manifest. */
  readonly accounts: readonly Part[];
  readonly notes: string[];
}

/** Returns the objects that the pods need beside them. */
function injectInto(workload: Workload, { options, accounts, notes }: Injecting): readonly ManifestObject[] {
  const account = accountOf(workload, options.namespace);
  const optOut = optOutOf(workload);
  if (optOut !== undefined) notes.push(`${workload.name}: no sidecar is put, its annotation ${optOut} says so`);
  if (optOut !== undefined && !isInjected(workload)) return [];
  const { gateway, agent } = optOut === undefined ? options : {};
  const pullSecrets = [...new Set([...pullSecretsOf(account, accounts), ...(options.imagePullSecrets ?? [])])];
  const wanted = { ...(gateway && { gateway }), ...(agent && { agent }) };
  notes.push(...putSidecars(workload, { account, wanted, hasPullSecrets: pullSecrets.length > 0 }));
  return [
    ...(account.isOwn && (gateway ?? agent) ? [accountObject(account, gateway?.rotation ?? "agent", pullSecrets)] : []),
    ...(gateway ? rightsOf(account, gateway) : []),
  ];
}
