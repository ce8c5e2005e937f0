import { type Finding, plainPath, type Verdict } from "./judge.ts";

/** What CEL can't know: what a cron field may hold, how runs spread, which time zones there are. */
const beyondTheServer =
  /^spec\.rotation\.(schedule: must (have numbers|have a day that exists|spread)|timeZone: must be a name of the IANA)/;

/** The server drops a null in a map of texts before anything sees it; in a file it is refused. */
const droppedByTheServer = /^spec\.secretTemplate\.(labels|annotations|ringAnnotations).*: must be set, is missing$/;

const pathOf = (line: string): string =>
  plainPath(/^unknown field "(.*?)"/.exec(line)?.[1] ?? line.slice(0, line.indexOf(": must ")));

/** One of them is above the other, or is it. */
const related = (one: string, other: string): boolean => one.startsWith(other) || other.startsWith(one);

/** A line is the words, or the path and the words, or these and what is there instead, which the server says first, or what may be meant. */
function sameWords(line: string, words: string): boolean {
  const said = line.slice(line.indexOf(": must ") + 2);
  if (line === words || said === words) return true;
  return (
    [`${words}, is `, `${words}, has `].some((start) => said.startsWith(start)) ||
    line.startsWith(`${words}, did you mean `)
  );
}

/** What one says and the other doesn't, a line each. */
export function disagreements(lines: readonly string[], { findings, rulesUnchecked }: Verdict): string[] {
  const expected = lines.filter((line) => !beyondTheServer.test(line) && !droppedByTheServer.test(line));
  const explains = (line: string, { path, words }: Finding): boolean =>
    related(pathOf(line), path) && (words === undefined || sameWords(line, words));
  const onlyServer = findings.filter((finding) => !lines.some((line) => explains(line, finding)));
  const onlyParser = expected.filter((line) => !findings.some((finding) => explains(line, finding)));
  return [
    ...(expected.length > 0 && findings.length === 0 ? ["the server takes it"] : []),
    ...onlyServer.map(({ path, message }) => `only the server: ${path}: ${message}`),
    ...(rulesUnchecked ? [] : onlyParser.map((line) => `only the parser: ${line}`)),
  ];
}
