import type { IssuedPair } from "./machine/held-pair.ts";
import type { ExchangeFailure, ShownCredential } from "./machine/identity-state.ts";

/** Who gives out the tokens of one identity. */
export interface PairIssuer {
  /**
   * Shows a credential, once. Never rejects: what goes wrong is a failure, also the signal.
   *
   * @param showing - `notAgain`: the credential with this hash is used up, and is not shown
   */
  ask(showing: ShownCredential, signal: AbortSignal): Promise<Issued | ExchangeFailure>;
  /** Another text as soon as the first credential is another one; undefined while it can't be read. Asks nobody. */
  credentialId(): Promise<string | undefined>;
  /**
   * Ends the grant of a refresh token (RFC 7009), once its identity is forgotten: as well as it can. Never rejects. Absent where there is nothing
   * that could be ended.
   */
  revoke?(refreshToken: string): Promise<void>;
}

export interface Issued {
  readonly kind: "issued";
  readonly issued: IssuedPair;
}
