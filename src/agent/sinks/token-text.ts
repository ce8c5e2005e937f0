import type { FreshToken } from "../../identity/kept-identity.ts";
import { formatInstant } from "../../parse/instant.ts";
import type { SinkFormat } from "../agent-spec.ts";

/** What a file of this format says of a token: the whole of it. Secret, and never with a refresh token. */
export function tokenText(format: SinkFormat, { accessToken, expiresAtMs }: FreshToken): string {
  switch (format) {
    // As the kubelet writes a ServiceAccount's: who reads it need not cut anything off
    case "token":
      return accessToken;
    case "json": {
      const expiresAt = expiresAtMs === undefined ? undefined : formatInstant(expiresAtMs);
      return `${JSON.stringify({ accessToken, expiresAt })}\n`;
    }
    case "header":
      return `Authorization: Bearer ${accessToken}\n`;
    default:
      return format satisfies never;
  }
}

const jwt = String.raw`[\w-]+\.[\w-]+\.[\w-]+`;
const forms: Readonly<Record<SinkFormat, RegExp>> = {
  token: new RegExp(`^${jwt}$`),
  json: new RegExp(`^\\{"accessToken":"${jwt}"(,"expiresAt":"[^"]+")?\\}\n$`),
  header: new RegExp(`^Authorization: Bearer ${jwt}\n$`),
};

/** True for what {@link tokenText} may have made of a JWT: of a file of which nobody remembers who wrote it. */
export const looksLikeToken = (format: SinkFormat, text: string): boolean => forms[format].test(text);
