/** The start of the `client_id` of whoever comes with a token of another issuer: no client has such an id. */
const trustMark = "trust:";

/** The `client_id` of whoever comes by a trust of this name. */
export const clientIdOf = (trust: string): string => `${trustMark}${trust}`;

export const isOfTrust = (clientId: string): boolean => clientId.startsWith(trustMark);

/** What a grant below another one is for; its subject is its parent's with this behind it. */
export type ChildName =
  { readonly kind: "agent" | "workspace"; readonly id: string } | { readonly kind: "path"; readonly id?: never };

/** So nobody becomes somebody else: see {@link isChildSubject}. */
export const childSubject = (parent: string, { kind, id }: ChildName): string =>
  id === undefined ? `${parent}/${kind}` : `${parent}/${kind}/${segmentOf(id)}`;

/** One segment: nobody's agent can have the name of what is below another one. */
const segmentOf = (id: string): string => id.replaceAll("%", "%25").replaceAll("/", "%2F");

/** Could a grant below another one have this subject? Then nobody else may have it. */
export const isChildSubject = (subject: string): boolean => /.\/(?:path|(?:agent|workspace)\/[^/]+)$/s.test(subject);

/** What is told whoever has one all the same. */
export const mustBeNoChild = "must not end as the subject of an agent's, a workspace's or a path's grant does";
