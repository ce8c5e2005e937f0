/**
 * A pattern for a whole text. `*` stands for any characters but `/` and `:`, which part the segments of subjects, repositories and
 * branches; `**` for any at all. Everything else stands for itself. So `repo:acme/*:ref:refs/heads/main` cannot be met by an
 * environment of another name that has colons in it.
 */
export interface Glob {
  /** As it was written. */
  readonly text: string;
  readonly parts: readonly GlobPart[];
}

/** One character, or a star. */
type GlobPart = { readonly char: string } | { readonly star: "segment" | "all" };

/** A longer text fits no glob: it keeps the work of each comparison small. In UTF-16 units. */
export const longestMatched = 2048;

export function globOf(text: string): Glob {
  const parts = text.match(/\*+|[^*]/gu) ?? [];
  return { text, parts: parts.map(partOf) };
}

const partOf = (part: string): GlobPart =>
  part.startsWith("*") ? { star: part === "*" ? "segment" : "all" } : { char: part };

/**
 * Does the whole text fit? All ways through the pattern go at once, so that no text takes longer than its length times the
 * pattern's; a regular expression would try them one by one.
 */
export function fits({ parts }: Glob, text: string): boolean {
  if (text.length > longestMatched) return false;
  let reached = passStars(parts, [0]);
  for (const char of text) reached = passStars(parts, step(parts, reached, char));
  return reached.has(parts.length);
}

/** Where one more character leads. */
const step = (parts: readonly GlobPart[], reached: ReadonlySet<number>, char: string): readonly number[] =>
  [...reached].flatMap((at) => {
    const part = parts[at];
    if (part === undefined) return [];
    if ("char" in part) return part.char === char ? [at + 1] : [];
    return part.star === "all" || (char !== "/" && char !== ":") ? [at] : [];
  });

/** A star may stand for nothing: what comes after it is reached, too. */
function passStars(parts: readonly GlobPart[], reached: Iterable<number>): Set<number> {
  const all = new Set<number>();
  for (let at of reached) {
    all.add(at);
    for (let part = parts[at]; part !== undefined && "star" in part; part = parts[at]) all.add(++at);
  }
  return all;
}

export const fitsAny = (globs: readonly Glob[], text: string): boolean => globs.some((glob) => fits(glob, text));
