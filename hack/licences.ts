import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export interface Licensed {
  readonly name: string;
  readonly version: string;
  /** As SPDX calls it. */
  readonly license: string;
  /** Where its source lies. */
  readonly folder: string;
}

/** The licences of all, with their texts. */
export async function licencesOf(all: readonly Licensed[]): Promise<string> {
  return (await Promise.all(all.map(licenceOf))).join(`\n\n${"-".repeat(80)}\n\n`);
}

async function licenceOf({ name, version, license, folder }: Licensed): Promise<string> {
  const files = (await readdir(folder)).filter((file) => /^(?:licen[cs]e|copying)(?:[.-]|$)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return [`${name} ${version} (${license})`, ...texts.map((text) => text.trim())].join("\n\n");
}
