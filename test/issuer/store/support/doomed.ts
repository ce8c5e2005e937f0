// A process that does one deed to a store, and kills itself as soon as it is about to have the effect of this number:
// `doomed.ts LOCATION DEED NUMBER < SCENE`. One that gets to its end says `done`.
import { buffer } from "node:stream/consumers";
import { deserialize } from "node:v8";
import { grantStoreOn } from "../../../../src/issuer/store/sql-grant-store.ts";
import { openPostgres } from "../../../../src/sql/postgres.ts";
import { openSqlite } from "../../../../src/sql/sqlite.ts";
import { withEffects } from "../../../sql/support/effects.ts";
import { deeds, type Scene } from "./deeds.ts";

const [location = "", name = "", number = ""] = process.argv.slice(2);
const path = /^sqlite:(.*)/.exec(location)?.[1];
let effects = name === "migration" ? 0 : -Infinity;
const database = withEffects(path === undefined ? openPostgres(location) : openSqlite(path), () => {
  if (effects++ === Number(number)) process.kill(process.pid, "SIGKILL");
});
const store = await grantStoreOn(database);
if (name !== "migration") {
  const scene = deserialize(await buffer(process.stdin)) as Scene;
  effects = 0;
  await deeds[name]?.do(store, scene);
}
await store.close();
console.log("done");
