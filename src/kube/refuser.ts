import type { Refuser } from "./kube-errors.ts";

/**
 * Who refused, by the sentence in which the API server says so: a Status has no field for it, and these are constants of
 * k8s.io/apiserver. Names alone are taken, which the cluster's administrator gave; never what a policy or webhook adds.
 */
export function refuserIn(message: string): Refuser | undefined {
  const rights = rightsSentence.exec(message);
  if (rights) {
    const [, user = "", verb = "", resource = "", group = "", namespace] = rights;
    const full = [resource, group].filter((part) => part !== "").join(".");
    return { kind: "rights", user, verb, resource: full, ...(namespace !== undefined && { namespace }) };
  }
  const [, policy, binding] = policySentence.exec(message) ?? [];
  if (policy !== undefined && binding !== undefined) return { kind: "policy", name: policy, binding };
  const [, webhook] = webhookSentence.exec(message) ?? [];
  if (webhook !== undefined) return { kind: "webhook", name: webhook };
  const [, quota] = quotaSentence.exec(message) ?? [];
  return quota === undefined ? undefined : { kind: "quota", name: quota };
}

/** One line for people; undefined for a missing right, which the server's own sentence says best. */
export function describeRefuser(refuser: Refuser): string | undefined {
  switch (refuser.kind) {
    case "rights":
      return undefined;
    case "policy":
      return `the admission policy "${refuser.name}" (binding "${refuser.binding}") refuses it`;
    case "webhook":
      return `the admission webhook "${refuser.name}" refuses it, or can't be asked`;
    case "quota":
      return `the quota "${refuser.name}" is used up`;
    default:
      return refuser satisfies never;
  }
}

const object = /(?:\S+ "[^"]*" is (?:forbidden|invalid): )?/.source;
const name = /([a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)/.source;

const rightsSentence =
  /User "([^"]*)" cannot ([a-z]+) resource "([a-z/]+)" in API group "([^"]*)"(?: in the namespace "([^"]*)")?/;
const policySentence = new RegExp(
  `^${object}(?:Validating|Mutating)AdmissionPolicy '${name}' with binding '${name}' denied request`,
);
const webhookSentence = new RegExp(
  `^${object}(?:admission webhook|Internal error occurred: failed calling webhook) "${name}"`,
);
const quotaSentence = new RegExp(`^${object}exceeded quota: ${name}, requested: `);
