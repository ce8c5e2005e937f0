import type { ExplainedRule, Explanation } from "./explain.ts";

/** An explanation for people, a line for each thing. */
export function explainText(explanation: Explanation): readonly string[] {
  const { issuer, subject, audiences, trust, rules, rule, becomes, failed } = explanation;
  return [
    `issuer    ${issuer ?? "none that can be read"}${trust === undefined ? "" : `, trusted as ${trust}`}`,
    ...(subject === undefined ? [] : [`subject   ${subject}`]),
    ...(audiences === undefined ? [] : [`audiences ${audiences.join(", ")}`]),
    ...rules.map((one) => `rule      ${one.name}: ${verdictOf(one, rule)}`),
    failed === undefined
      ? `answer    becomes ${becomes ?? "nobody"}, if its signature is good`
      : `answer    refused by the check "${failed.check}": ${failed.must}`,
  ];
}

function verdictOf(rule: ExplainedRule, decides: string | undefined): string {
  if (!rule.fits) return `does not fit, ${rule.misfit.claim} must fit ${rule.misfit.globs.join(" or ")}`;
  const verdict = rule.name === decides ? "fits, and decides" : "fits";
  return "template" in rule ? `${verdict}, but ${rule.template} makes no part of a subject` : verdict;
}
