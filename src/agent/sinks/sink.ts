import type { FreshToken } from "../../identity/kept-identity.ts";

/** A place where a token is written. */
export interface Sink {
  /** For people: the path, quoted. */
  readonly place: string;
  /** Resolves once whoever looks there finds this token, and never a part of it. The same once more changes nothing. @throws KeyturnError */
  write(token: FreshToken): Promise<void>;
  /** Takes away what was written. @throws KeyturnError */
  remove(): Promise<void>;
}
