// Writes one token after the other until it is killed, and says a line for each: `writer.ts DIR FIRST`
import { writeSync } from "node:fs";
import { join } from "node:path";
import { directoryOf, fileOf, sinkOf, tokenOf } from "../tokens.ts";

const [dir = "", first = "0"] = process.argv.slice(2);
const file = sinkOf(fileOf(join(dir, "token")));
const directory = sinkOf(directoryOf(join(dir, "tokens")));
for (let n = Number(first); ; n++) {
  await file.write(tokenOf(n));
  await directory.write(tokenOf(n));
  writeSync(1, `${n}\n`);
}
