import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../../hack/run.ts";
import type { Counts } from "../workload/counts.ts";
import type { Record as Story } from "./record.ts";

export interface Evidence {
  readonly record: Story;
  readonly counts: Counts;
  readonly restarts: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, string>>;
}

export async function writeReport(evidence: Evidence): Promise<void> {
  await mkdir(join(root, "reports"), { recursive: true });
  await writeFile(join(root, "reports/e2e.json"), `${JSON.stringify(evidence, undefined, 1)}\n`);
}
