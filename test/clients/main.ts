// npm run clients -- [library…] [--only taken,copies,change,life] [--propagation SECONDS] [--patience SECONDS]: what clients of other makers do
// with Keyturn's keys, measured, as a table. Without --only all but life, which takes the time of --patience.
import { parseArgs } from "node:util";
import { algorithms as allAlgorithms } from "../../src/ring/key.ts";
import { Keyturn } from "../binary/support/keyturn.ts";
import { clients } from "./clients.ts";
import { measureChange, measureCopies, measureLife, measureTaken, type Startable } from "./measure.ts";
import { changeTable, copiesTable, lifeTable, takenTable } from "./tables.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: "taken,copies,change" },
    propagation: { type: "string", default: "35" },
    patience: { type: "string", default: "330" },
  },
});
const parts = values.only.split(",");
const patienceMs = Number(values.patience) * 1000;

const startables: Startable[] = [];
for (const client of clients) {
  if (positionals.length > 0 && !positionals.includes(client.library)) continue;
  const start = await client.start();
  if ("missing" in start) console.error(`${client.library}: ${start.missing}`);
  else startables.push({ client, start });
}
const keyturn = await Keyturn.build();
try {
  if (parts.includes("taken"))
    console.log(takenTable(startables, await measureTaken(keyturn, startables, allAlgorithms)));
  if (parts.includes("copies")) {
    console.log(copiesTable(startables, await measureCopies(keyturn, startables, patienceMs)));
  }
  if (parts.includes("change")) {
    console.log(
      changeTable(
        startables,
        await measureChange(keyturn, startables, { propagationSeconds: Number(values.propagation), rotations: 2 }),
      ),
    );
  }
  if (parts.includes("life")) console.log(lifeTable(startables, await measureLife(keyturn, startables, patienceMs)));
} finally {
  await keyturn.remove();
}
