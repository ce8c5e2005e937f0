import { appendFileSync } from "node:fs";
import { expect, test } from "vitest";
import { lookedLine, lookedVariable, looking, sumOf } from "../../hack/suites/looked.ts";

test("looking adds up what every worker has written, and leaves nothing", async () => {
  const looked = await looking(async () => {
    const path = process.env[lookedVariable] ?? "";
    appendFileSync(path, '{"programs":2,"files":3,"bytes":1048577}\n');
    appendFileSync(path, '{"programs":1,"files":0,"bytes":1}\n');
    return Promise.resolve();
  });
  expect(looked).toEqual({ programs: 3, files: 3, bytes: 1_048_578 });
  expect(lookedLine(looked)).toBe("Looked for secrets in what 3 programs wrote: 3 files, with their output 2 MiB");
  expect(process.env[lookedVariable]).toBe("");
  expect(sumOf("")).toEqual({ programs: 0, files: 0, bytes: 0 });
});
