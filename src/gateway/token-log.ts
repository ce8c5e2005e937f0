import type { MintRequest } from "../jwt/mint-request.ts";
import type { Minted } from "../jwt/minter.ts";
import { tellingVerifier } from "../jwt/telling-verifier.ts";
import type { Verifier } from "../jwt/verifier.ts";
import type { Log } from "../telemetry/log.ts";

/** Who logs each refused token, at level debug. Of one verifier there is one that tells, so that both are compared alike. */
export function refusalLog(log: Pick<Log, "debug">): (verifier: Verifier) => Verifier {
  const telling = new WeakMap<Verifier, Verifier>();
  return (verifier) => {
    const known = telling.get(verifier) ?? tellingVerifier(verifier, (refusal) => log.debug(refusal, "refused"));
    telling.set(verifier, known);
    return known;
  };
}

type Mint = (request: MintRequest) => Promise<Minted>;

/** The same, with a line for each token: who it is of, its id, its key and its end. Never the token, and no other claim. */
export const mintLog =
  (log: Pick<Log, "info">, mint: Mint): Mint =>
  async (request) => {
    const minted = await mint(request);
    const { id: jti, kid, expiresAtMs } = minted;
    log.info({ sub: request.subject, jti, kid, exp: expiresAtMs / 1000 }, "minted");
    return minted;
  };
