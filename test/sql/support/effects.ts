import type { Database, Statement, Transaction } from "../../../src/sql/database.ts";

/** What a program is about to do to a database: `find-grant`, `begin`, `lock`, `commit`. */
export type Effect = string;

/**
 * The same database, which tells of each effect before it happens, and of `done` after each commit. What the listener rejects with becomes of
 * the call.
 */
export function withEffects(database: Database, before: (effect: Effect) => Promise<void> | void): Database {
  const one = async <T>(effect: Effect, act: () => Promise<T>): Promise<T> => {
    await before(effect);
    return act();
  };
  const inside = (transaction: Transaction): Transaction => ({
    dialect: transaction.dialect,
    run: (statement: Statement, values) => one(statement.name, () => transaction.run(statement, values)),
    script: (text) => one("script", () => transaction.script(text)),
    lock: (key) => one("lock", () => transaction.lock(key)),
    wake: () => one("wake", () => transaction.wake()),
  });
  return {
    dialect: database.dialect,
    read: (statement, values) => one(statement.name, () => database.read(statement, values)),
    async write(statement, values) {
      const rows = await one(statement.name, () => database.write(statement, values));
      await before("done");
      return rows;
    },
    async transaction(work) {
      await before("begin");
      const result = await database.transaction(async (transaction) => {
        const worked = await work(inside(transaction));
        await before("commit");
        return worked;
      });
      await before("done");
      return result;
    },
    onWake: (listener) => database.onWake(listener),
    check: () => database.check(),
    load: () => database.load(),
    close: () => database.close(),
  };
}
