import { resolve } from "node:path";
import { textOf } from "../parse/scalars.ts";
import type { Spot } from "../parse/spot.ts";
import { webTexts } from "../parse/text-limits.ts";

/** A path, absolute; undefined if unset or wrong. @param dir - Where one that is not absolute begins */
export function absolutePathOf(spot: Spot, dir: string): string | undefined {
  const path = textOf(spot, webTexts.path);
  return path === undefined ? undefined : resolve(dir, path);
}
