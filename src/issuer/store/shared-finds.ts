import { Buffer } from "node:buffer";
import { columns } from "../../sql/columns.ts";
import type { Database, SqlRow, Statement } from "../../sql/database.ts";

/** So many grants at most are found by one query; ids that are null find nothing. */
const mostPerFind = 16;

export const findGrants: Statement = {
  name: "find-grants",
  text: `SELECT * FROM grants WHERE id IN (${Array.from({ length: mostPerFind }, (_, n) => `$${n + 1}`).join(", ")})`,
};

const patienceMs = 100;

interface Asked {
  readonly id: Uint8Array;
  readonly resolve: (row: SqlRow | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Rows of grants by their ids, where each query costs a round trip: those that are asked for while a query is under way share the next
 * one. It begins after everybody who shares it has asked, so each sees what was committed before he did. Nobody waits long for others' query: it may
 * be on a connection that is dead.
 */
export class SharedFinds {
  readonly #database: Pick<Database, "read">;
  #waiting: Asked[] = [];
  #underWay: object | undefined;

  constructor(database: Pick<Database, "read">) {
    this.#database = database;
  }

  find(id: Uint8Array): Promise<SqlRow | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, resolve, reject });
      this.#goOn();
    });
  }

  #goOn(): void {
    if (this.#underWay !== undefined || this.#waiting.length === 0) return;
    const asked = this.#waiting.slice(0, mostPerFind);
    this.#waiting = this.#waiting.slice(mostPerFind);
    const query = (this.#underWay = {});
    const letOthersPass = (): void => {
      if (this.#underWay !== query) return;
      this.#underWay = undefined;
      this.#goOn();
    };
    const late = setTimeout(letOthersPass, patienceMs);
    void this.#answer(asked).finally(() => {
      clearTimeout(late);
      letOthersPass();
    });
  }

  async #answer(asked: readonly Asked[]): Promise<void> {
    try {
      const ids = asked.map(({ id }) => id);
      const empty = Array.from({ length: mostPerFind - ids.length }, () => null);
      const rows = await this.#database.read(findGrants, [...ids, ...empty]);
      const byId = new Map(rows.map((row) => [keyOf(columns.bytes(row, "id")), row]));
      for (const { id, resolve } of asked) resolve(byId.get(keyOf(id)));
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}

const keyOf = (id: Uint8Array): string => Buffer.from(id).toString("latin1");
