const form = /^\/v1\/identities(?:\/([a-z0-9-]{1,63})(\/token|\/refresh)?)?$/;

/** Each method of each path of the loopback API. */
export const apiMethods = {
  "/v1/identities": ["GET"],
  "/v1/identities/{name}": ["GET", "PUT", "DELETE"],
  "/v1/identities/{name}/token": ["GET"],
  "/v1/identities/{name}/refresh": ["POST"],
} as const;

export type ApiPath = keyof typeof apiMethods;

/** The path of a request, with the name that it has; undefined where nothing is. Nothing in it is decoded: a name needs no encoding. */
export function apiPathOf(path: string): { readonly place: ApiPath; readonly name?: string } | undefined {
  const [found, name, behind] = form.exec(path) ?? [];
  if (found === undefined) return undefined;
  if (name === undefined) return { place: "/v1/identities" };
  if (behind === undefined) return { place: "/v1/identities/{name}", name };
  return { place: behind === "/token" ? "/v1/identities/{name}/token" : "/v1/identities/{name}/refresh", name };
}
