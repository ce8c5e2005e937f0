import type { KeptIdentity } from "../../identity/kept-identity.ts";

/** Where each request's token comes from. */
export type TokenSupply = Pick<KeptIdentity, "token" | "refused">;

/** One renewal and one repetition for each request that is refused, and no more. */
export function authorizedFetch(supply: TokenSupply, using: typeof fetch): typeof fetch {
  return async (input, init) => {
    const send = (accessToken: string): Promise<Response> => {
      const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
      headers.set("authorization", `Bearer ${accessToken}`);
      return using(input, { ...init, headers });
    };
    const { accessToken, tokenId } = await supply.token();
    const answer = await send(accessToken);
    if (answer.status !== 401) return answer;
    const another = await supply.refused(tokenId);
    if (another === undefined || !isRepeatable(input, init)) return answer;
    await answer.body?.cancel();
    return send(another.accessToken);
  };
}

/** A stream is read once. */
function isRepeatable(...[input, init]: Parameters<typeof fetch>): boolean {
  if (input instanceof Request && input.body !== null) return false;
  const body: unknown = init?.body;
  return typeof body !== "object" || body === null || !(Symbol.asyncIterator in body || body instanceof ReadableStream);
}
