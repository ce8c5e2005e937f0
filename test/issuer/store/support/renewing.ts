// A process that renews one grant again and again, a window apart, until it is killed: `renewing.ts LOCATION < SCENE`. Writes each
// refresh token that it was answered with.
import { writeSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { deserialize } from "node:v8";
import { openGrantStore } from "../../../../src/issuer/store/open-grant-store.ts";
import type { Scene } from "./deeds.ts";
import { renew, t0, textOf, windowMs } from "./grants.ts";

const store = await openGrantStore(process.argv[2] ?? "");
const { parent } = deserialize(await buffer(process.stdin)) as Scene;
for (let token = parent.token, n = 0; ; n++) {
  const done = await renew(store, token, t0 + n * windowMs);
  if (done.kind !== "granted") throw new Error(`Cannot renew: ${done.kind}`);
  token = done.successor;
  writeSync(1, `${textOf(token)}\n`);
}
