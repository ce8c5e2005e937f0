import { isObject, type Members } from "../../parse/object.ts";
import { isChildSubject, mustBeNoChild } from "./names.ts";

/** Where a claim stands in a token. */
export interface ClaimPath {
  /** As it was written: the name of a claim, or, beginning with a slash, a JSON pointer (RFC 6901) into one. */
  readonly text: string;
  readonly names: readonly string[];
}

/** Undefined for what is no JSON pointer, or points at everything. */
export function claimPathOf(text: string): ClaimPath | undefined {
  if (text === "") return undefined;
  if (!text.startsWith("/")) return { text, names: [text] };
  const names = text.slice(1).split("/");
  // RFC 6901 §3: a tilde is followed by 0 or 1
  if (names.some((name) => /~(?![01])/.test(name))) return undefined;
  return { text, names: names.map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~")) };
}

/** The claim's value; undefined where it is missing. Lists have no members here. */
export function claimAt(claims: Members, { names }: ClaimPath): unknown {
  let value: unknown = claims;
  for (const name of names) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** A text with claims in braces: `k8s:{/kubernetes.io/namespace}`. */
export interface SubjectTemplate {
  /** As it was written. */
  readonly text: string;
  /** What stands before the first claim. */
  readonly head: string;
  /** Each claim with the text that follows it; empty at most for the last one. */
  readonly holes: readonly { readonly claim: ClaimPath; readonly tail: string }[];
}

/** The longest subject that the minter takes, in UTF-16 units. */
export const longestSubject = 255;

/** The template, or what must be different about it. */
export function templateOf(text: string): SubjectTemplate | string {
  const [head = "", ...rest] = text.split("{");
  const holes: SubjectTemplate["holes"][number][] = [];
  for (const [index, piece] of rest.entries()) {
    const [name = "", tail, more] = piece.split("}");
    const claim = claimPathOf(name);
    if (tail === undefined || more !== undefined || claim === undefined) return "must have each claim in braces";
    if (tail === "" && index < rest.length - 1) return "must have a text between two claims";
    holes.push({ claim, tail });
  }
  if (head.includes("}")) return "must have each claim in braces";
  const example = head + holes.map(({ tail }) => `x${tail}`).join("");
  return isChildSubject(example) ? mustBeNoChild : { text, head, holes };
}

/**
 * The subject, or the claim that it can't be made with: each must be a text without control characters. No claim but the last may hold
 * the character that parts it from the next one, so that two callers never get one subject: of `{a}:{b}` nobody makes `x:y` and `z` into
 * what `x` and `y:z` are.
 */
export function fillIn({ head, holes }: SubjectTemplate, claims: Members): string | { readonly problem: ClaimPath } {
  let subject = head;
  for (const [index, { claim, tail }] of holes.entries()) {
    const value = claimAt(claims, claim);
    const parting = index < holes.length - 1 ? tail.slice(0, 1) : "";
    const isGood = typeof value === "string" && isPlainText(value) && (parting === "" || !value.includes(parting));
    if (!isGood) return { problem: claim };
    subject += value + tail;
    if (subject.length > longestSubject) return { problem: claim };
  }
  return subject;
}

/** Has it characters, and none of them a control character or one that parts lines? */
export const isPlainText = (text: string): boolean =>
  text !== "" && text.isWellFormed() && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text);
