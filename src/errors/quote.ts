/**
 * How every error shows what a person or a file gave: the one rule for all of them, so that no key that was put in the wrong
 * place gets into a log. The shortest key material (P-256, Ed25519) has 43 characters of base64: a run of more than 32 of its
 * characters is never shown, nor is anything around a PEM header or a private member of a JWK.
 */
const longest = 64;
const mayBeMaterial = /[\w+/=-]{33}/;
const looksPrivate = /PRIVATE KEY|"d"/;

const isShowable = (text: string): boolean =>
  text.length <= longest && !mayBeMaterial.test(text) && !looksPrivate.test(text);

/** A text in quotes, on one line, or what it is. */
export function quoted(text: string): string {
  if (looksPrivate.test(text)) return "what looks like a private key";
  return isShowable(text) ? JSON.stringify(text) : `a text of ${text.length} characters`;
}

/** A path in full: it leads to what is wrong. Without a sign that it is one, {@link quoted}. */
export const quotedPath = (path: string): string =>
  /^(?:[./~]|[A-Za-z]:)/.test(path) && !looksPrivate.test(path) ? JSON.stringify(path) : quoted(path);

/** Any value: texts as {@link quoted}, containers by their type. */
export function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return "a list";
  if (typeof value === "function") return "a function";
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  return typeof value === "object" && value !== null ? "an object" : String(value).replace(/^undefined$/, "missing");
}

/** What stands for the name of a member that may not be shown. */
export const hiddenName = (name: string): string | undefined =>
  isShowable(name) ? undefined : `[a name of ${name.length} characters]`;
