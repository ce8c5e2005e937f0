import type { TokenIssuer } from "../config/token-issuer.ts";
import type { ClientCaller, ForeignCaller, RefusedCaller } from "./caller.ts";

/** A secret as a client shows it, by whichever way it came. */
export interface ShownSecret {
  readonly id: string;
  readonly secret: string;
}

/** Who may ask, by the TokenIssuer file that is in force now. Whoever starts it (`live-callers.ts`) also reloads it. */
export interface Callers {
  /** What is in force now; another object after each reload. */
  readonly config: TokenIssuer;
  /** Never throws: what can't be asked now is refused as `temporarily_unavailable`. */
  authenticate(shown: ShownSecret): Promise<ClientCaller | RefusedCaller>;
  /** A token of somebody else (RFC 7523 §3, RFC 8693 §2.1). Never throws, as {@link authenticate}. Not for tokens of our own. */
  verify(token: string): Promise<ForeignCaller | RefusedCaller>;
}
