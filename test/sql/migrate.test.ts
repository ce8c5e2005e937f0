import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database, Statement } from "../../src/sql/database.ts";
import { migrate, type Migration, requireSchema } from "../../src/sql/migrate.ts";
import { dialects, type EmptyDatabase, emptyDatabase } from "./support/databases.ts";

const both = (text: string): Migration => ({ sqlite: text, postgres: text });
const first = both("CREATE TABLE things (name TEXT); INSERT INTO things VALUES ('one')");
const second = both("ALTER TABLE things ADD COLUMN size INTEGER; UPDATE things SET size = 1");
const broken = both("CREATE TABLE others (name TEXT); INSERT INTO nowhere VALUES (1)");

const things: Statement = { name: "things", text: "SELECT * FROM things" };
const others: Statement = { name: "others", text: "SELECT * FROM others" };
const versions: Statement = { name: "versions", text: "SELECT version FROM schema_versions ORDER BY version" };

describe.each(dialects)("migrate on %s", (dialect) => {
  let empty: EmptyDatabase;
  let database: Database;

  beforeEach(async () => {
    empty = await emptyDatabase(dialect);
    database = empty.open();
  });
  afterEach(() => empty[Symbol.asyncDispose]());

  it("brings an empty database to the last version, and does nothing the second time", async () => {
    await migrate(database, [first, second]);
    await migrate(database, [first, second]);
    expect(await database.read(things)).toEqual([{ name: "one", size: 1 }]);
    expect(await database.read(versions)).toEqual([{ version: 1 }, { version: 2 }]);
  });

  it("brings an older schema forward, with what is in it", async () => {
    await migrate(database, [first]);
    await database.write({ name: "more", text: "INSERT INTO things VALUES ('two')" });
    await migrate(empty.open(), [first, second]);
    expect(await empty.open().read(things)).toEqual([
      { name: "one", size: 1 },
      { name: "two", size: 1 },
    ]);
  });

  it("refuses the schema of a newer program, and leaves it as it is", async () => {
    await migrate(database, [first, second]);
    await expect(migrate(empty.open(), [first])).rejects.toMatchObject({
      code: "SchemaTooNew",
      message: "Cannot use the database of schema 2: must be at most 1, so a newer Keyturn was here; start that one",
    });
    expect(await database.read(versions)).toHaveLength(2);
  });

  it("takes every step back when one fails", async () => {
    await migrate(database, [first]);
    await expect(migrate(database, [first, second, broken])).rejects.toMatchObject({ code: "StoreAway" });
    expect(await database.read(things)).toEqual([{ name: "one" }]);
    expect(await database.read(versions)).toEqual([{ version: 1 }]);
    await expect(database.read(others)).rejects.toMatchObject({ code: "StoreAway" });
  });

  it("is not asked for by a tool: requireSchema takes the last version alone, and changes nothing", async () => {
    const tooOld = "Cannot use the database of schema 0: must be 1, to which an issuer of this version brings it";
    await expect(requireSchema(database, [first])).rejects.toMatchObject({ code: "SchemaTooOld", message: tooOld });
    await expect(database.read(versions)).rejects.toMatchObject({ code: "StoreAway" });
    await migrate(database, [first]);
    await expect(requireSchema(database, [first, second])).rejects.toMatchObject({ code: "SchemaTooOld" });
    await requireSchema(empty.open(), [first]);
    await migrate(database, [first, second]);
    await expect(requireSchema(database, [first])).rejects.toMatchObject({ code: "SchemaTooNew" });
    expect(await database.read(versions)).toHaveLength(2);
  });

  it("by eight processes at once is made once", async () => {
    const processes = Array.from({ length: 8 }, () => empty.open());
    await Promise.all(processes.map((one) => migrate(one, [first, second])));
    expect(await database.read(things)).toEqual([{ name: "one", size: 1 }]);
  });
});
