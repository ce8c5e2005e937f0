import { algorithmConfusion, none, wrongKey } from "./algorithm.ts";
import { claimTypes, hugeAndDeep, timeEdges } from "./claims.ts";
import { duplicates, headerInjection, kids } from "./header.ts";
import { base64urls, ecdsaNumbers, malleability } from "./signature.ts";

/** Every attack by its class. */
export const classes = {
  "algorithm confusion": algorithmConfusion,
  none,
  "wrong key, wrong curve": wrongKey,
  "header injection": headerInjection,
  kid: kids,
  "malformed base64url": base64urls,
  "duplicate members": duplicates,
  "signature malleability": malleability,
  "ECDSA numbers": ecdsaNumbers,
  "type confusion in claims": claimTypes,
  "huge and deep": hugeAndDeep,
  "time edges": timeEdges,
};

export const corpus = Object.values(classes).flat();
