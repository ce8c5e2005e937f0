import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { apiVersion } from "./api-names.ts";
import { choiceOf, textOf } from "./scalars.ts";
import { fieldsOf, looseFieldsOf, need, type Spot } from "./spot.ts";
import { dnsName } from "./text-limits.ts";

const mostProblems = 50;

/** All problems, one per line; after fifty their number. */
export function problemText(problems: readonly string[]): string {
  const more = problems.length - mostProblems;
  const lines = more > 0 ? [...problems.slice(0, mostProblems), `and ${more} more problems`] : problems;
  return lines.join("\n");
}

/**
 * What the reading of something that a person wrote comes to. Unknown fields are problems.
 *
 * @param code - Of the error
 * @throws ChangeNeededError with {@link problemText}
 */
export function readWhole<Value>(value: unknown, code: string, read: (root: Spot) => Value): Value {
  const problems: string[] = [];
  const whole = read({ value, path: "", problems, unknown: problems });
  if (problems.length > 0) throw new ChangeNeededError(code, problemText(problems));
  return whole;
}

/** A file that looks like a resource, of a kind that no API server knows: its name, and where its spec stands. */
export function resourceOf(spot: Spot, kind: string): { readonly name: string; readonly spec: Spot } {
  const root = fieldsOf(spot, ["apiVersion", "kind", "metadata", "spec"]);
  choiceOf(need(root("apiVersion")), [apiVersion]);
  choiceOf(need(root("kind")), [kind]);
  const name = textOf(need(looseFieldsOf(root("metadata"))("name")), dnsName(63)) ?? "";
  return { name, spec: need(root("spec")) };
}
