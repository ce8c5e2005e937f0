import { type Workload, workloadKinds } from "./workloads.ts";

/** Workloads by what they say of themselves; all that is named must fit. */
export interface WorkloadSelector {
  readonly text: string;
  readonly kind?: string;
  readonly name?: string;
  readonly label?: { readonly name: string; readonly value: string };
}

/** Which workloads a run is about. */
export interface WorkloadChoice {
  /** One of them must fit. @default every workload does */
  readonly only?: readonly WorkloadSelector[];
  /** None of them may fit. */
  readonly skip?: readonly WorkloadSelector[];
}

const nameForm = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** `Deployment`, `orders`, `Deployment/orders` or `app=orders`. Undefined for what is none of them. */
export function selectorIn(text: string): WorkloadSelector | undefined {
  const [, labelName, value] = /^([^=]+)=([^=]*)$/.exec(text) ?? [];
  if (labelName !== undefined && value !== undefined) return { text, label: { name: labelName, value } };
  const [, kindText, name] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
  const kind = kindIn(kindText ?? text);
  if (name !== undefined) return kind !== undefined && nameForm.test(name) ? { text, kind, name } : undefined;
  if (kind !== undefined) return { text, kind };
  return nameForm.test(text) ? { text, name: text } : undefined;
}

/** As kubectl has them: in small letters, or as a plural, too. */
function kindIn(text: string): string | undefined {
  const small = text.toLowerCase().replace(/s$/, "");
  return workloadKinds.find((kind) => kind.toLowerCase() === small);
}

/** Whether a run with this choice looks at the workload. */
export const isChosen = (workload: Workload, { only, skip = [] }: WorkloadChoice): boolean =>
  (only === undefined || only.some((one) => fits(one, workload))) && !skip.some((one) => fits(one, workload));

/** Those that no workload fits: a slip, as a rule. */
export const idleIn = ({ only = [], skip = [] }: WorkloadChoice, workloads: readonly Workload[]): readonly string[] =>
  [...only, ...skip].filter((one) => !workloads.some((workload) => fits(one, workload))).map(({ text }) => text);

function fits({ kind, name, label }: WorkloadSelector, workload: Workload): boolean {
  if (kind !== undefined && workload.kind !== kind) return false;
  if (name !== undefined && workload.name !== name) return false;
  return label === undefined || workload.labels[label.name] === label.value;
}
