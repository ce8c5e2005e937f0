import { Buffer } from "node:buffer";
import type { FastifyRequest } from "fastify";
import { jsonIn } from "../../parse/json.ts";
import { isObject } from "../../parse/object.ts";
import type { Caller } from "../callers/caller.ts";
import type { ShownSecret } from "../callers/callers.ts";
import { denialOf } from "../tokens/denial.ts";
import { verifyingOf } from "../tokens/keys-at-work.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";
import { type AnswerError, badRequest, errorOfDenial, forbidden, unauthorized } from "./api-error.ts";

/** What stands in the one Authorization header. */
type Credentials = { readonly scheme: "basic" | "bearer"; readonly value: string };

/** Undefined: no Authorization header. From the raw headers, since Node drops every one after the first. */
export function credentialsOf({ raw: { rawHeaders } }: FastifyRequest): Credentials | undefined {
  const values = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === "authorization");
  const [value] = values;
  if (value === undefined) return undefined;
  if (values.length > 1) throw badRequest("CredentialsRepeated", "Must have one Authorization header");
  const [, scheme = "", rest = ""] = /^(basic|bearer) +([^\s,]+)$/i.exec(value) ?? [];
  const name = scheme.toLowerCase();
  if (name === "basic" || name === "bearer") return { scheme: name, value: rest };
  throw unauthorized("SchemeUnknown", "Must be Basic or Bearer, and one token");
}

/** Name and secret, each as a form has it (RFC 6749 §2.3.1). */
export function secretIn(basic: string): ShownSecret {
  const text = Buffer.from(basic, "base64").toString("utf8");
  const colon = text.indexOf(":");
  try {
    if (colon > 0) return { id: formText(text.slice(0, colon)), secret: formText(text.slice(colon + 1)) };
  } catch {
    // A percent sign that stands for nothing
  }
  throw unauthorized("client", "Must be the client's id and secret", { "www-authenticate": 'Basic realm="keyturn"' });
}

const formText = (text: string): string => decodeURIComponent(text.replaceAll("+", " "));

/** A client by its secret. */
export async function clientBy({ callers }: IssuerParts, shown: ShownSecret): Promise<Caller> {
  const caller = await callers.authenticate(shown);
  if (caller.kind === "refused") throw errorOfDenial(denialOf(caller));
  return caller;
}

/** Somebody by a token of another issuer. */
export async function foreignBy({ callers }: IssuerParts, token: string): Promise<Caller> {
  const caller = await callers.verify(token);
  if (caller.kind === "refused") throw errorOfDenial(denialOf(caller));
  return caller;
}

/** Whoever the Authorization header says: a client, or somebody by a token of another issuer. */
export async function callerBy(parts: IssuerParts, request: FastifyRequest): Promise<Caller> {
  const credentials = credentialsOf(request);
  if (credentials === undefined) throw credentialsMissing();
  const { scheme, value } = credentials;
  return scheme === "basic" ? clientBy(parts, secretIn(value)) : foreignBy(parts, value);
}

/** As {@link callerBy}: somebody who may follow what is revoked. */
export async function watcherBy(parts: IssuerParts, request: FastifyRequest): Promise<Caller> {
  const caller = await callerBy(parts, request);
  if (caller.allowed.watchRevocations) return caller;
  throw forbidden("right-missing", "Must be allowed watchRevocations in the TokenIssuer");
}

/**
 * Somebody who proves himself beside his refresh token. A bad proof is `invalid_client` (RFC 7521 §4.2.1): `invalid_grant` would say that
 * the refresh token is to be dropped.
 */
export async function proofBy({ callers }: IssuerParts, token: string): Promise<Caller> {
  const caller = await callers.verify(token);
  if (caller.kind !== "refused") return caller;
  const denial = denialOf(caller);
  throw errorOfDenial(denial.error === "invalid_grant" ? { ...denial, error: "invalid_client" } : denial);
}

/** Whether the token says that it is ours; whoever believes it looks at the signature. */
export function saysItIsOurs(parts: IssuerParts, token: string): boolean {
  const { issuers } = verifyingOf(parts);
  const payload = jsonIn(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  return isObject(payload) && issuers.some((issuer) => payload["iss"] === issuer);
}

export const credentialsMissing = (): AnswerError =>
  unauthorized("CredentialsMissing", "Must have an Authorization header");
