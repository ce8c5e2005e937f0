import { scenarios } from "./scenarios/index.ts";
import { search } from "./search.ts";
for (const s of scenarios) {
  if (process.argv[3] && !process.argv[3].split(",").includes(s.name)) continue;
  const r = search(s, { maxStates: Number(process.argv[2] ?? 300000) });
  console.log(JSON.stringify({ ...r, violation: undefined }));
  if (r.violation) console.log(r.violation.join("\n"));
}
