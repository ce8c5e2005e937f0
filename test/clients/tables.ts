import type { Changed, Copies, Startable, Taken } from "./measure.ts";

/** As Markdown. */
function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line), ""].join("\n");
}

const named = ({ client: { library, language, packages } }: Startable): readonly string[] => [
  library,
  language,
  packages,
];

const mark = (verdict: string | undefined): string => (verdict === "valid" ? "yes" : "no");

export function takenTable(startables: readonly Startable[], { algorithms, beside, iat }: Taken): string {
  const columns = [...algorithms.keys(), "RS256 beside EdDSA", "no iat", "iat 20 s ahead"];
  const verdicts = [...algorithms.values(), beside, iat.absent, iat.ahead];
  const rows = startables.map((one) => [...named(one), ...verdicts.map((of) => mark(of.get(one.client.library)))]);
  const words = startables.flatMap(({ client: { library } }) =>
    verdicts.flatMap((of, nth) => {
      const verdict = of.get(library);
      return verdict === "valid" ? [] : [`${library}, ${columns[nth]}: ${verdict}`];
    }),
  );
  return [table(["client", "in", "version", ...columns], rows), ...words, ""].join("\n");
}

const seconds = (value: number): string => (value === Infinity ? "not within the time" : `${value.toFixed(1)} s`);

export const copiesTable = (startables: readonly Startable[], copies: ReadonlyMap<string, Copies>): string =>
  table(
    ["client", "in", "version", "discovery", "keeps to max-age", "unknown kid", "another one right after"],
    startables.map((one) => {
      const of = copies.get(one.client.library);
      const [first = Infinity, second = Infinity] = of?.unknownKid ?? [];
      return [
        ...named(one),
        of?.discovers === true ? "yes" : "no",
        of?.keepsToMaxAge === true ? "yes" : "no",
        seconds(first),
        seconds(second),
      ];
    }),
  );

export const lifeTable = (startables: readonly Startable[], lives: ReadonlyMap<string, number>): string =>
  table(
    ["client", "in", "version", "asks again after"],
    startables.map((one) => [...named(one), seconds(lives.get(one.client.library) ?? Infinity)]),
  );

export const changeTable = (startables: readonly Startable[], { rotation, algorithm, tokens }: Changed): string =>
  table(
    [
      "client",
      "in",
      "version",
      "rotations",
      "change of algorithm",
      "the same, started after it was asked for",
      `of ${tokens} tokens`,
    ],
    startables.map((one) => {
      const { library } = one.client;
      const changed = algorithm.get(library);
      return [
        ...named(one),
        ...[rotation.get(library)?.early, changed?.early, changed?.late].map((count) => `${count ?? "?"} refused`),
        (changed?.why ?? rotation.get(library)?.why ?? "").slice(0, 120),
      ];
    }),
  );
