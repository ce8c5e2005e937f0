import { shortKid } from "../ring/describe.ts";
import { readHeader } from "./header.ts";
import type { RefusalReason } from "./reasons.ts";
import type { Verifier } from "./verifier.ts";

/** What may be told of a token that was refused: which key it names, and why. Nothing else of it. */
export interface ToldRefusal {
  /** In full where it is a key of the ring; of any other the first characters, since it is whatever somebody wrote. Absent where the header has none. */
  readonly kid?: string;
  readonly reason: RefusalReason;
}

/** The verifier, which also tells of each token that it refuses. It costs a look at the header of each of those, and of the others nothing. */
export function tellingVerifier(verifier: Verifier, tell: (refusal: ToldRefusal) => void): Verifier {
  const { keys, verify } = verifier;
  return Object.freeze({
    keys,
    verify: (token, nowMs, required) => {
      const verdict = verify(token, nowMs, required);
      if (!verdict.ok) {
        const kid = kidIn(token);
        tell({ ...(kid !== undefined && { kid: keys.has(kid) ? kid : shortKid(kid) }), reason: verdict.reason });
      }
      return verdict;
    },
  } satisfies Verifier);
}

function kidIn(token: string): string | undefined {
  const header = readHeader(token.slice(0, Math.max(0, token.indexOf("."))));
  return typeof header === "string" ? undefined : header.kid;
}
