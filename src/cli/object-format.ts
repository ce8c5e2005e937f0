import type { Option } from "commander";
import { quoted } from "../errors/quote.ts";
import type { ObjectFormat } from "../tools/text/object-output.ts";
import { flag } from "./flags.ts";
import { UsageError } from "./report-error.ts";

const words = ["json", "yaml", "wide", "name"] as const;
const templateStart = "jsonpath=";

/** What `-o` takes where an object of the API is shown, as kubectl has it. */
export const objectOutputFlag = (): Option => {
  const option = flag("-o, --output <format>", "instead of text for people; or jsonpath=TEMPLATE", { choices: words });
  return option.argParser((text: string) => {
    if (text.startsWith(templateStart) || words.some((word) => word === text)) return text;
    throw refused(text, `must be ${words.join(", ")} or jsonpath=TEMPLATE`);
  });
};

/** @throws UsageError for a template that is none */
export async function objectFormat(text: string | undefined): Promise<ObjectFormat | "wide" | undefined> {
  if (text?.startsWith(templateStart) !== true) return words.find((word) => word === text);
  const { templateIn } = await import("../tools/text/template.ts");
  const template = templateIn(text.slice(templateStart.length));
  if ("problem" in template) throw refused(text, template.problem);
  return template;
}

const refused = (text: string, problem: string): UsageError =>
  new UsageError(`Cannot use --output ${quoted(text)}: ${problem}`);
