import type { Diary } from "./judge/diary.ts";
import type { Ledger, Wrong } from "./judge/ledger.ts";
import type { SoakOptions } from "./options.ts";
import type { Footprint } from "./programs/child.ts";

/** What each process takes, by its name. */
export type Prints = ReadonlyMap<string, Footprint>;

interface Row {
  readonly name: string;
  readonly start: Footprint | undefined;
  readonly end: Footprint | undefined;
}

export interface Report {
  readonly options: SoakOptions;
  readonly seconds: number;
  readonly sides: readonly {
    readonly side: string;
    readonly ledger: Ledger;
    readonly diary: Diary;
    /** The longest time from the end of a round's troubles to a world that is healthy, in ms. */
    readonly longestMs: number;
    readonly prints: readonly Row[];
  }[];
  /** Why no clock could be set. */
  readonly missing?: string;
  /** Where the programs' logs are, after something was wrong. */
  readonly logs?: string;
}

/** A process that was replaced meanwhile has one of both. */
export const footprints = (start: Prints, end: Prints): readonly Row[] =>
  [...new Set([...start.keys(), ...end.keys()])].map((name) => ({ name, start: start.get(name), end: end.get(name) }));

const zeroes: readonly Wrong[] = [
  "valid refused",
  "revoked accepted after its own ack",
  "revoked accepted after all acks",
  "foreign accepted",
  "more than one signer",
  "not healthy again",
];

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** The command that draws the same troubles. */
export function commandOf({ minutes, seed, troubles, sides }: SoakOptions): string {
  const named = troubles === undefined ? [] : ["--troubles", `"${troubles === "all" ? "all" : troubles.join(",")}"`];
  const only = sides.length === 1 ? ["--only", ...sides] : [];
  return ["npm run soak --", "--minutes", minutes, "--seed", seed, ...named, ...only].join(" ");
}

/** The report as Markdown. */
export function textOf({ options, seconds: took, sides, missing, logs }: Report): string {
  const row = (what: string, of: (side: Report["sides"][number]) => string | number): string =>
    `| ${what} | ${sides.map(of).join(" | ")} |`;
  const rule = `| --- |${sides.map(() => " --: |").join("")}`;
  const names = [...new Set(sides.flatMap(({ diary }) => [...diary.counts.keys()]))].sort();
  const stories = sides.flatMap(({ ledger }) => ledger.stories);
  return [
    "# Soak",
    `Seed ${options.seed}, ${took} s. Again: \`${commandOf(options)}\``,
    ...(missing === undefined ? [] : [`No clock was set: ${missing}`]),
    [
      row("", ({ side }) => side),
      rule,
      row("tokens", ({ ledger }) => ledger.numbers.minted),
      row("verifications", ({ ledger }) => ledger.numbers.verifications),
      row("rightly refused", ({ ledger }) => ledger.numbers.rightlyRefused),
      row("of a key that had to take over too early", ({ ledger }) => ledger.numbers.tooEarly),
      row("questions without an answer", ({ ledger }) => ledger.numbers.unanswered),
      row("mints that were put off", ({ ledger }) => ledger.numbers.notMinted),
      row("signers at once", ({ ledger }) => ledger.numbers.mostSigners),
      row("revocations", ({ ledger }) => ledger.revocations),
      row("longest from a revocation to refused everywhere", ({ ledger }) => seconds(ledger.longestRevocationMs)),
      row("longest from the end of troubles to healthy", ({ longestMs }) => seconds(longestMs)),
      ...zeroes.map((what) => row(`**${what}**`, ({ ledger }) => ledger.wrongs.get(what) ?? 0)),
    ].join("\n"),
    "## Troubles",
    ["| trouble | times |", "| --- | --: |", ...names.map((name) => `| ${name} | ${timesOf(sides, name)} |`)].join(
      "\n",
    ),
    "## Processes",
    [
      "| process | RSS, start | RSS, end | handles, start | handles, end |",
      "| --- | --: | --: | --: | --: |",
      ...sides.flatMap(({ prints }) => prints.map(printRow)),
    ].join("\n"),
    ...(stories.length === 0 ? [] : ["## What was wrong", ...stories.map((story) => `\`\`\`\n${story}\n\`\`\``)]),
    ...(logs === undefined ? [] : [`Logs of the programs: ${logs}`]),
  ].join("\n\n");
}

const timesOf = (sides: Report["sides"], name: string): number =>
  sides.reduce((sum, { diary }) => sum + (diary.counts.get(name) ?? 0), 0);

const mib = (print: Footprint | undefined): string =>
  print === undefined ? "" : `${Math.round(print.rssKiB / 1024)} MiB`;
const handles = (print: Footprint | undefined): string => (print === undefined ? "" : String(print.handles));

const printRow = ({ name, start, end }: Row): string =>
  `| ${name} | ${mib(start)} | ${mib(end)} | ${handles(start)} | ${handles(end)} |`;

/** Whether nothing was wrong, and enough was asked for that to mean something. */
export const isGood = ({ sides }: Report): boolean =>
  sides.every(
    ({ ledger }) => ledger.wrongs.size === 0 && ledger.numbers.minted > 0 && ledger.numbers.verifications > 0,
  );
