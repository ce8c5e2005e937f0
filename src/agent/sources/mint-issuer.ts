import { asked } from "../../identity/oauth/post-form.ts";
import {
  away,
  type EndpointAnswer,
  retryAfterIn,
  serverTimeIn,
  tokenIn,
  wordIn,
} from "../../identity/oauth/read-answer.ts";
import type { Post } from "../../identity/oauth/post.ts";
import type { ExchangeFailure } from "../../identity/machine/identity-state.ts";
import type { Issued, PairIssuer } from "../../identity/pair-issuer.ts";
import { jsonIn } from "../../parse/json.ts";
import { membersOf } from "../../parse/object.ts";
import type { Clock } from "../../time/clock.ts";
import type { SourceSpec, TokenRequestSpec } from "../agent-spec.ts";

interface MintOptions {
  readonly source: Extract<SourceSpec, { kind: "mintSocket" }>;
  readonly request: TokenRequestSpec;
  readonly post: Post;
  readonly clock: Pick<Clock, "nowMs">;
}

/** Over a Unix socket no name is looked up. */
const mintUrl = new URL("http://localhost/token");

/**
 * A gateway beside us that mints (`POST /token` on its mint socket). Who may open the socket is who may have the token: nothing is shown, and there is no
 * refresh token. Scopes become the claim `scope` (RFC 9068 §2.2.3).
 */
export function mintIssuer({ source: { path, subject }, request, post, clock }: MintOptions): PairIssuer {
  const { audiences, scopes, accessTtlMs } = request;
  const [audience] = audiences;
  const body = JSON.stringify({
    sub: subject,
    ...(audience !== undefined && { audience }),
    ...(accessTtlMs !== undefined && { ttlSeconds: accessTtlMs / 1000 }),
    ...(scopes.length > 0 && { claims: { scope: scopes.join(" ") } }),
  });
  const headers = { accept: "application/json", "content-type": "application/json" };
  const place = JSON.stringify(`unix:${path}`);
  return {
    ask: (_, signal) =>
      asked({ url: mintUrl, headers, body, signal }, { post, clock, place }, (answer) => readMinted(answer, place)),
    credentialId: () => Promise.resolve(path),
  };
}

/** The life of the token is in its claims. */
function readMinted(answer: EndpointAnswer, place: string): Issued | ExchangeFailure {
  const { status, body } = answer;
  const members = membersOf(jsonIn(body));
  if (status === 200) {
    const accessToken = tokenIn(members["token"]);
    if (accessToken !== undefined) return { kind: "issued", issued: { accessToken, ...serverTimeIn(answer) } };
    return away("AnswerUnreadable", `Cannot get a token: ${place} must answer with a token`, { mayBeDone: true });
  }
  const code = wordIn(members["code"]);
  const message = `Cannot get a token: ${place} answers ${status}${code === undefined ? "" : ` (${code})`}`;
  if (status === 403) return { kind: "denied", code: code ?? "Status403", message, isTokenDead: false };
  const retryAfterMs = retryAfterIn(answer);
  return away(code ?? `Status${status}`, message, {
    mayBeDone: false,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}
