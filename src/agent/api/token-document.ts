import type { FreshToken } from "../../identity/kept-identity.ts";
import type { Cursor } from "../../parse/cursor.ts";
import { formatInstant } from "../../parse/instant.ts";

/** A token as the loopback API gives it. Secret. */
export interface TokenDocument {
  readonly accessToken: string;
  readonly tokenType: "Bearer";
  /** Of this machine's clock; absent where no end is known. */
  readonly expiresAt?: string;
  /** Whole seconds, rounded down; absent as {@link TokenDocument.expiresAt} is. */
  readonly expiresIn?: number;
  /** What `?refused=` takes. */
  readonly tokenId: string;
}

export const tokenDocument = ({ accessToken, tokenId, expiresAtMs }: FreshToken, nowMs: number): TokenDocument => ({
  accessToken,
  tokenType: "Bearer",
  ...(expiresAtMs !== undefined && {
    expiresAt: formatInstant(expiresAtMs),
    expiresIn: Math.max(0, Math.floor((expiresAtMs - nowMs) / 1000)),
  }),
  tokenId,
});

/** The token of a document that {@link tokenDocument} made. @throws ChangeNeededError */
export function readTokenDocument(cursor: Cursor): FreshToken {
  const fields = cursor.fields();
  const expiresAtMs = fields.maybe("expiresAt")?.instant();
  return {
    accessToken: fields.at("accessToken").text(65_536),
    tokenId: fields.at("tokenId").text(65_536),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}
