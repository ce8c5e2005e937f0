import type { Caller } from "../callers/caller.ts";
import { clientIdOf } from "../config/names.ts";
import type { GrantTerms } from "../store/grant-row.ts";
import type { LiveToken, OwnBearer } from "./own-bearer.ts";

/** Who asks about tokens: a caller who proved himself, or whoever shows an access token of ours. */
export type Asker = Caller | OwnBearer;

/** Whose a token is, and his grant. */
export type Whose = Pick<GrantTerms, "subject" | "clientId" | "foreign">;

/** The `client_id` of his tokens. */
export const clientIdFor = (caller: Caller): string =>
  caller.kind === "client" ? caller.clientId : clientIdOf(caller.trust);

/** Has he proved that it was him who began the grant? By the same secret, or an assertion of the same (issuer, subject): no thief has it. */
export function hasBegun(caller: Caller, { clientId, foreign }: Omit<Whose, "subject">): boolean {
  if (caller.kind === "client") return foreign === undefined && caller.clientId === clientId;
  return foreign !== undefined && caller.issuer === foreign.issuer && caller.foreignSubject === foreign.subject;
}

/** His own: one that he has begun, or of his own subject. */
export const isOwn = (by: Asker, whose: Whose): boolean =>
  by.subject === whose.subject || (by.kind !== "bearer" && hasBegun(by, whose));

/** As its grant says, where it has one: that knows more than the token. */
export function whoseIs({ claims, row }: LiveToken): Whose {
  const { sub, client_id: clientId } = claims;
  return row?.terms ?? { subject: textOr(sub), clientId: textOr(clientId) };
}

const textOr = (value: unknown): string => (typeof value === "string" ? value : "");
