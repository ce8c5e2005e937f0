import type { Post } from "./post.ts";

export interface RevocationOrder {
  /** The issuer's revocation endpoint (RFC 7009 §2). */
  readonly revokeUrl: URL;
  readonly post: Post;
  /** For the whole answer, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
}

/**
 * Asks an issuer to end the grant of a refresh token (RFC 7009 §2.1), once. Never rejects: whoever is not heard lets it end by itself.
 *
 * @param authorization - Proves whose it is; without it the issuer may refuse
 */
export async function revokeToken(
  token: string,
  authorization: string | undefined,
  { revokeUrl: url, post, timeoutMs = 10_000 }: RevocationOrder,
): Promise<void> {
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    ...(authorization !== undefined && { authorization }),
  };
  const body = new URLSearchParams({ token, token_type_hint: "refresh_token" }).toString();
  await post({ url, headers, body, timeoutMs, signal: new AbortController().signal }).catch(() => undefined);
}
