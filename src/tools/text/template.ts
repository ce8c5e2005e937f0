import { compile, JSONPathError, type JSONPathQuery } from "json-p3";

/** A text for programs with places that are filled from an object: kubectl's `-o jsonpath`. */
export interface Template {
  render(object: unknown): string;
}

/** What is wrong with a text that is no template; fits after its name and a colon. */
export interface TemplateFlaw {
  readonly problem: string;
}

type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "path"; readonly path: TemplatePath }
  | { readonly kind: "range"; readonly path: TemplatePath; readonly parts: readonly TemplatePart[] };

interface TemplatePath {
  readonly query: JSONPathQuery;
  /** From the whole object, also within a range. */
  readonly fromRoot: boolean;
}

class FlawError extends Error {}

/**
 * `{.status.activeKid}`, `{range .items[*]}{.metadata.name}{"\n"}{end}`: texts as they are, paths of RFC 9535 as kubectl writes them. A path
 * alone need not have braces.
 *
 * @see https://kubernetes.io/docs/reference/kubectl/jsonpath/
 */
export function templateIn(text: string): Template | TemplateFlaw {
  try {
    const parts = new TemplateReader(/[{}]/.test(text) ? text : `{${text}}`).parts(false);
    return { render: (object) => rendered(parts, { root: object, current: object }) };
  } catch (error) {
    if (error instanceof FlawError) return { problem: error.message };
    throw error;
  }
}

/** What stands in braces may have braces in quotes. */
const inBraces = /\{((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^}"'])*)\}/y;
const outside = /[^{]+/y;

class TemplateReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Up to the end, or within a range to its `{end}`. */
  parts(isInRange: boolean): readonly TemplatePart[] {
    const found: TemplatePart[] = [];
    while (this.#at < this.#text.length) {
      const text = this.#take(outside)?.[0];
      if (text !== undefined) {
        found.push({ kind: "text", text });
        continue;
      }
      const action = this.#take(inBraces)?.[1]?.trim();
      if (action === undefined) throw new FlawError("must close each brace");
      if (action === "end") {
        if (isInRange) return found;
        throw new FlawError("must have a {range …} before {end}");
      }
      found.push(this.#part(action));
    }
    if (isInRange) throw new FlawError("must close each {range …} with {end}");
    return found;
  }

  #part(action: string): TemplatePart {
    const [, over] = /^range\s+(.+)$/s.exec(action) ?? [];
    if (over !== undefined) return { kind: "range", path: pathIn(over), parts: this.parts(true) };
    if (/^["']/.test(action)) return { kind: "text", text: unquoted(action) };
    return { kind: "path", path: pathIn(action) };
  }

  #take(form: RegExp): RegExpExecArray | null {
    form.lastIndex = this.#at;
    const found = form.exec(this.#text);
    if (found !== null) this.#at = form.lastIndex;
    return found;
  }
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

const unquoted = (text: string): string =>
  text.slice(1, -1).replaceAll(/\\(.)/gs, (_, letter: string) => escapes[letter] ?? letter);

function pathIn(text: string): TemplatePath {
  try {
    return { query: compile(`$${standard(text.replace(/^[$@]/, ""))}`), fromRoot: text.startsWith("$") };
  } catch (error) {
    if (error instanceof JSONPathError)
      throw new FlawError(`must have paths such as {.status.activeKid}, has {${text}}`);
    throw error;
  }
}

const segment = /\.\.?(?:[^.[\\]|\\.)*|\[(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|[^\]"'])*\]/gsy;

/** Names with anything in them, as kubectl takes them (`.metadata.annotations.a\.b/c`), in quotes. */
function standard(text: string): string {
  const path = /^[.[]/.test(text) || text === "" ? text : `.${text}`;
  let rest = path.length;
  const all = path.replaceAll(segment, (whole) => {
    rest -= whole.length;
    const [, dots = "", name = ""] = /^(\.\.?)(.*)$/s.exec(whole) ?? [];
    if (dots === "") return whole;
    const plain = name.replaceAll(/\\(.)/gs, "$1");
    const deep = dots === ".." ? ".." : "";
    if (plain === "") return deep;
    return plain === "*" ? `${deep}[*]` : `${deep}[${JSON.stringify(plain)}]`;
  });
  return rest === 0 ? all : "?";
}

interface Scope {
  readonly root: unknown;
  readonly current: unknown;
}

function rendered(parts: readonly TemplatePart[], scope: Scope): string {
  const one = (part: TemplatePart): string => {
    switch (part.kind) {
      case "text":
        return part.text;
      case "path":
        return valuesAt(part.path, scope).map(shownValue).join(" ");
      case "range":
        return valuesAt(part.path, scope)
          .map((current) => rendered(part.parts, { ...scope, current }))
          .join("");
      default:
        return part satisfies never;
    }
  };
  return parts.map(one).join("");
}

/** None where it leads nowhere. */
const valuesAt = ({ query, fromRoot }: TemplatePath, { root, current }: Scope): readonly unknown[] => {
  const value = fromRoot ? root : current;
  return typeof value === "object" && value !== null ? query.query({ ...value }).values() : [];
};

const shownValue = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
