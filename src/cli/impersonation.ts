import type { Endpoint } from "../kube/endpoint.ts";
import { itemsOf, type Members, membersOf } from "../parse/object.ts";

/** As whom to act, where that is not oneself. */
export interface Impersonation {
  readonly as?: string;
  readonly asGroup?: string[];
  readonly asUid?: string;
}

type Headers = Readonly<Record<string, string | string[]>>;

/** What a kubeconfig's user says of it, as headers of the API. */
export function impersonationOf(user: Members): Headers {
  const extra: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(membersOf(user["as-user-extra"]))) {
    extra[`impersonate-extra-${encodeURIComponent(name.toLowerCase())}`] = itemsOf(values).map(String);
  }
  const { as, "as-uid": asUid } = user;
  const asGroup = itemsOf(user["as-groups"]).map(String);
  return {
    ...headersOf({
      ...(typeof as === "string" && as !== "" && { as }),
      ...(typeof asUid === "string" && asUid !== "" && { asUid }),
      ...(asGroup.length > 0 && { asGroup }),
    }),
    ...extra,
  };
}

const headersOf = ({ as, asGroup, asUid }: Impersonation): Headers => ({
  ...(as !== undefined && { "impersonate-user": as }),
  ...(asGroup !== undefined && { "impersonate-group": asGroup }),
  ...(asUid !== undefined && { "impersonate-uid": asUid }),
});

/** The same API server, as somebody else. */
export function asSomebody(endpoint: Endpoint, who: Impersonation): Endpoint {
  return {
    server: endpoint.server,
    refresh: () => endpoint.refresh(),
    credentials: async () => {
      const own = await endpoint.credentials();
      return { ...own, headers: { ...own.headers, ...headersOf(who) } };
    },
  };
}
