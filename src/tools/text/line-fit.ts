import { plain, widthOf } from "./cell-width.ts";

/** What stands at the left of a text that goes on below: as far as its last column begins, where that leaves room. */
function hangOf(text: string, columns: number): number {
  const seen = plain(text);
  const gaps = [...seen.matchAll(/ {2,}(?=\S)|^ +/g)].map((gap) => gap.index + gap[0].length);
  const longest = Math.max(0, ...seen.split(" ").map(widthOf));
  const wanted = gaps.findLast((hang) => hang <= columns * 0.6 && hang + longest <= columns);
  const leading = /^ */.exec(seen)?.[0].length ?? 0;
  return wanted ?? Math.min(leading, 2);
}

/** The text in lines that are no wider, broken between words. A word that is wider by itself stays whole: it may be a key's name or a token. Escapes stay with their words. */
export function fitted(text: string, columns: number): readonly string[] {
  if (widthOf(text) <= columns) return [text];
  const indent = " ".repeat(hangOf(text, columns));
  const lines: string[] = [];
  let now = "";
  for (const [, space = "", word = ""] of text.matchAll(/( *)([^ ]+)/g)) {
    if (now === "") now = (space.length <= columns * 0.6 ? space : indent) + word;
    else if (widthOf(now + space + word) <= columns) now += space + word;
    else {
      lines.push(now);
      now = indent + word;
    }
  }
  return [...lines, now];
}

/** The text on one line, with a sign where words were left out. */
export function shortened(text: string, columns: number, unicode: boolean): string {
  if (widthOf(text) <= columns) return text;
  const sign = unicode ? "…" : "..";
  const [first = ""] = fitted(text, columns - sign.length - 1);
  return `${first} ${sign}`;
}
