import { parseRefreshToken } from "../../../src/grants/refresh-token.ts";

/** What nobody may write where others look. */
export type SecretKind = "refresh token" | "signed token" | "private key";

const forms: readonly (readonly [SecretKind, RegExp])[] = [
  ["refresh token", /ktr_[\w-]{98}/g],
  // Header and payload are objects of JSON; the shortest signature is that of HS256, with 43 characters
  ["signed token", /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{43,}/g],
  ["private key", /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/g],
  // As a Secret of Kubernetes has the line above
  ["private key", /LS0tLS1CRUdJTiBQUklWQVRFIEtFWS/g],
  // A member of a JWK, also in a text within JSON
  ["private key", /"d\\?"\s*:\s*\\?"[\w-]{42,}/g],
];

/** Every secret that is found by its form, as its kind and where it begins: never more of it than that. */
export function secretsIn(text: string): readonly { readonly kind: SecretKind; readonly at: number }[] {
  return forms.flatMap(([kind, form]) =>
    [...text.matchAll(form)]
      .filter(([found]) => kind !== "refresh token" || parseRefreshToken(found) !== undefined)
      .map(({ index }) => ({ kind, at: index })),
  );
}
