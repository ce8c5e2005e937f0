import { type Spot, textsOf } from "./fields.ts";
import { type Glob, globOf } from "./glob.ts";
import { issuerCounts, issuerTexts } from "./token-issuer-limits.ts";

export const globsOf = (spot: Spot): readonly Glob[] => textsOf(spot, issuerCounts.globs, issuerTexts.glob).map(globOf);
