import { Buffer } from "node:buffer";
import { KeyturnError } from "../../errors/keyturn-error.ts";
import { hashOfToken } from "../machine/held-pair.ts";
import type { ExchangeFailure, ShownCredential } from "../machine/identity-state.ts";
import type { Issued, PairIssuer } from "../pair-issuer.ts";
import { postForm, type PostOptions } from "./post-form.ts";
import { away } from "./read-answer.ts";
import { revokeToken } from "./revoke-token.ts";

/** What proves an identity from the beginning. Secret. */
export type FirstCredential =
  | { readonly kind: "client"; readonly clientId: string; readonly secret: string }
  /** A token of somebody whom the issuer trusts; exchanged (RFC 8693). `tokenType`: @default `…:jwt` */
  | { readonly kind: "token"; readonly token: string; readonly tokenType?: string }
  /** A refresh token that was handed over. Shown until an answer came, and never again. */
  | { readonly kind: "refresh"; readonly token: string };

export interface OAuthIssuerOptions extends PostOptions {
  /** The issuer's token endpoint (RFC 6749 §3.2). */
  readonly tokenUrl: URL;
  /** Its revocation endpoint (RFC 7009 §2). @default nothing is revoked */
  readonly revokeUrl?: URL;
  /** Read anew for each request. Rejects while it can't be read; with a KeyturnError, which is told, or with anything, which is not. */
  readonly credential: () => Promise<FirstCredential>;
  /** What is asked for at first; a renewal gets the same. */
  readonly audiences?: readonly string[];
  readonly scopes?: readonly string[];
  /** How long access tokens are to live, and refresh tokens; the issuer may cut it. In seconds. */
  readonly expiresInSeconds?: number;
  readonly refreshTtlSeconds?: number;
}

const exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
const jwtType = "urn:ietf:params:oauth:token-type:jwt";

type FormFields = readonly (readonly [name: string, value: string])[];

/**
 * An issuer by OAuth 2: client credentials, token exchange, refresh token. With each renewal the first credential is shown, too, where it is
 * one that proves: then no lost answer, however late, costs the grant.
 */
export function oauthIssuer(options: OAuthIssuerOptions): PairIssuer {
  const { credential, revokeUrl } = options;
  return {
    async ask(showing, signal) {
      // Without a proof a refresh token is still good
      if (showing.kind === "refresh") {
        return postForm(renewalOf(showing.token, await credential().catch(() => undefined)), options, signal);
      }
      let first: FirstCredential;
      try {
        first = await credential();
      } catch (error) {
        return unreadable(error);
      }
      return askFirst(first, { showing, options, signal });
    },
    async credentialId() {
      const first = await credential().catch(() => undefined);
      return first && hashOfToken(first.kind === "client" ? `${first.clientId}\n${first.secret}` : first.token);
    },
    ...(revokeUrl && {
      revoke: async (token) =>
        revokeToken(token, proofOf(await credential().catch(() => undefined)), { ...options, revokeUrl }),
    }),
  };
}

/** Anything else may hold what it failed to read. */
const unreadable = (error: unknown): ExchangeFailure =>
  away(
    "CredentialUnreadable",
    `Cannot get a token: ${error instanceof KeyturnError ? error.message : "the first credential must be readable"}`,
    { mayBeDone: false },
  );

const usedUp: ExchangeFailure = {
  kind: "denied",
  code: "CredentialUsed",
  message: "Cannot get a token: the refresh token that was handed over is used up; hand over another",
  isTokenDead: false,
};

async function askFirst(
  first: FirstCredential,
  asked: {
    readonly showing: Extract<ShownCredential, { kind: "first" }>;
    readonly options: OAuthIssuerOptions;
    readonly signal: AbortSignal;
  },
): Promise<Issued | ExchangeFailure> {
  const { options, showing, signal } = asked;
  switch (first.kind) {
    case "client":
      return postForm(
        { ...withSecret(first), fields: [["grant_type", "client_credentials"], ...termsOf(options)] },
        options,
        signal,
      );
    case "token": {
      const { token, tokenType = jwtType } = first;
      const fields: FormFields = [
        ["grant_type", exchange],
        ["subject_token", token],
        ["subject_token_type", tokenType],
      ];
      return postForm({ fields: [...fields, ...termsOf(options)] }, options, signal);
    }
    case "refresh": {
      const handedOver = hashOfToken(first.token);
      if (handedOver === showing.notAgain) return usedUp;
      const answer = await postForm(renewalOf(first.token, undefined), options, signal);
      return answer.kind === "issued" ? { kind: "issued", issued: { ...answer.issued, handedOver } } : answer;
    }
    default:
      return first satisfies never;
  }
}

function renewalOf(token: string, first: FirstCredential | undefined): { fields: FormFields; authorization?: string } {
  const fields: FormFields = [
    ["grant_type", "refresh_token"],
    ["refresh_token", token],
  ];
  if (first?.kind === "client") return { ...withSecret(first), fields };
  return { fields: first?.kind === "token" ? [...fields, ["assertion", first.token]] : fields };
}

function termsOf({ audiences = [], scopes = [], expiresInSeconds, refreshTtlSeconds }: OAuthIssuerOptions): FormFields {
  return [
    ...audiences.map((audience) => ["audience", audience] as const),
    ...(scopes.length > 0 ? ([["scope", scopes.join(" ")]] as const) : []),
    ...(expiresInSeconds === undefined ? [] : ([["expiresIn", String(expiresInSeconds)]] as const)),
    ...(refreshTtlSeconds === undefined ? [] : ([["refreshTokenTtlSeconds", String(refreshTtlSeconds)]] as const)),
  ];
}

/** What shows whose a grant is, to whoever ends it. A refresh token shows nothing. */
function proofOf(first: FirstCredential | undefined): string | undefined {
  if (first?.kind === "client") return withSecret(first).authorization;
  return first?.kind === "token" ? `Bearer ${first.token}` : undefined;
}

/** Each as a form has it, then Basic (RFC 6749 §2.3.1). */
function withSecret({ clientId, secret }: Extract<FirstCredential, { kind: "client" }>): { authorization: string } {
  const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}
