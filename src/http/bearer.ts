/** Why a request brings no token that could be looked at. */
export const credentialFlaws = [
  /** No Authorization header. */
  "CredentialsMissing",
  /** Two Authorization headers: proxies and servers disagree about which counts. */
  "CredentialsRepeated",
  /** Not `Bearer` and one token (RFC 6750 §2.1). */
  "SchemeNotBearer",
] as const;
export type CredentialFlaw = (typeof credentialFlaws)[number];

export type BearerCredentials = { readonly token: string } | { readonly flaw: CredentialFlaw };

const missing: BearerCredentials = { flaw: "CredentialsMissing" };
const repeated: BearerCredentials = { flaw: "CredentialsRepeated" };
const notBearer: BearerCredentials = { flaw: "SchemeNotBearer" };

const headerName = "authorization";
const form = /^bearer +([^\s,]+)$/i;
const usual = "Bearer ";

/**
 * The one bearer token of a request. From the raw headers, since Node drops every Authorization header after the first.
 *
 * @param rawHeaders - Names and values in turn, as they came
 */
export function bearerOf(rawHeaders: readonly string[]): BearerCredentials {
  let value: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length !== headerName.length || name.toLowerCase() !== headerName) continue;
    if (value !== undefined) return repeated;
    value = rawHeaders[index + 1] ?? "";
  }
  if (value === undefined) return missing;
  const token = tokenIn(value);
  return token === undefined ? notBearer : { token };
}

function tokenIn(value: string): string | undefined {
  // What nearly all write needs no pattern: what is no token then is refused as one
  const rest = value.startsWith(usual) ? value.slice(usual.length) : "";
  return rest === "" || rest.includes(" ") || rest.includes(",") ? form.exec(value)?.[1] : rest;
}
