import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../../hack/run.ts";
import { pictureOf } from "./picture.ts";
import { type Evidence, headlineOf, reportOf } from "./report.ts";

const folder = join(root, "reports");

/** Writes `reports/e2e.md`, the picture beside it, and all that both are made of. */
export async function writeReport(evidence: Evidence): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "e2e.json"), `${JSON.stringify(evidence, undefined, 1)}\n`);
  await writeFile(join(folder, "e2e.md"), reportOf(evidence));
  await writeFile(join(folder, "e2e.svg"), pictureOf(evidence.record, headlineOf(evidence)));
  console.log(headlineOf(evidence));
}

/** What there is to find out by why a story ended at a step. */
export async function writeDiagnosis(step: string, text: string): Promise<void> {
  const file = join(folder, "e2e-failure.log");
  await mkdir(folder, { recursive: true });
  await writeFile(file, `The story ended at: ${step}\n\n${text}\n`);
  console.log(`What the cluster said when the story ended: ${file}`);
}
