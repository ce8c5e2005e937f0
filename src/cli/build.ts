import { readFileSync } from "node:fs";
import type { Surroundings } from "./surroundings.ts";

/** Put in by hack/bundle.ts; not declared anywhere else. */
declare const KEYTURN_BUILD: Build | undefined;

type Build = Pick<Surroundings, "version" | "commit">;

/** What this program was built from. From source, and in the npm package, the version stands in package.json. */
export function buildOf(): Build {
  if (typeof KEYTURN_BUILD !== "undefined") return KEYTURN_BUILD;
  const parsed: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const isNamed = typeof parsed === "object" && parsed !== null && "version" in parsed;
  return { version: isNamed ? String(parsed.version) : "unknown" };
}
