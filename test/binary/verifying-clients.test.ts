import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../../hack/run.ts";
import type { Algorithm } from "../../src/ring/key.ts";
import { cheapClients } from "../clients/clients.ts";
import { type Changed, measureChange, measureTaken, type Startable, type Taken } from "../clients/measure.ts";
import { Keyturn } from "./support/keyturn.ts";

/** Of the table in docs/clients.md: the columns are clear names of what is measured here. */
const algorithms: readonly Algorithm[] = ["ES256", "EdDSA", "Ed25519", "RS256"];
/** Longer than any of them waits between two looks at the keys. */
const propagationSeconds = 31;

let keyturn: Keyturn;
const startables: Startable[] = [];
const missing = new Map<string, string>();
let taken: Taken;
let changed: Changed;
/** Cells of the table, by client and column. */
let table: ReadonlyMap<string, ReadonlyMap<string, string>>;

/** The table below that heading. */
async function tableIn(page: string, heading: string): Promise<typeof table> {
  const [, text = ""] = (await readFile(join(root, page), "utf8")).split(`\n## ${heading}\n`);
  const [section = ""] = text.split("\n## ");
  const [head = [], , ...rows] = section
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));
  return new Map(rows.map((row) => [row[1] ?? "", new Map(head.map((name, nth) => [name, row[nth] ?? ""]))]));
}

beforeAll(async () => {
  for (const client of cheapClients) {
    const start = await client.start();
    if ("missing" in start) missing.set(client.library, start.missing);
    else startables.push({ client, start });
  }
  keyturn = await Keyturn.build();
  table = await tableIn("docs/clients.md", "Which algorithms they take");
  taken = await measureTaken(keyturn, startables, algorithms);
  changed = await measureChange(keyturn, startables, { propagationSeconds, rotations: 0 });
}, 600_000);

afterAll(() => keyturn.remove());

describe.each(cheapClients.map(({ library }) => library))("%s", (library) => {
  test("takes what docs/clients.md says", ({ skip }) => {
    const why = missing.get(library);
    if (why !== undefined) return skip(why);
    const measured = [
      ...taken.algorithms,
      ["no iat", taken.iat.absent] as const,
      ["iat 20 s ahead", taken.iat.ahead] as const,
    ];
    const row = table.get(library);
    const said = measured.map(([column]) => [column, row?.get(column)]);
    expect(said).toEqual(measured.map(([column, of]) => [column, of.get(library) === "valid" ? "yes" : "no"]));
    // No key of an algorithm that it does not know may disturb it
    expect(taken.beside.get(library)).toBe("valid");
    return undefined;
  });

  test("refuses no token over a change of algorithm, if it was started after the change was asked for", ({ skip }) => {
    const why = missing.get(library);
    if (why !== undefined) return skip(why);
    expect(changed.tokens).toBeGreaterThan(50);
    expect(changed.algorithm.get(library)).toMatchObject({ late: 0 });
    return undefined;
  });
});
