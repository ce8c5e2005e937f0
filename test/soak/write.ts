import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../hack/run.ts";
import { type Report, textOf } from "./report.ts";

/** Prints the report, and writes it to reports/soak.md. */
export async function writeReport(report: Report): Promise<void> {
  const text = textOf(report);
  await mkdir(join(root, "reports"), { recursive: true });
  await writeFile(join(root, "reports/soak.md"), `${text}\n`);
  console.log(text);
}
