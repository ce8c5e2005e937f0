import { createHash } from "node:crypto";
import { publicJwks } from "../../crypto/jwks.ts";
import { keysOf } from "../../ring/ring.ts";
import type { HolderState } from "../../holder/state.ts";
import { copyLife, type CopyLife } from "../../holder/freshness.ts";
import type { Moment } from "../../time/clock.ts";
import { isReady } from "../../holder/state-view.ts";
import { sendEmpty, isRead, sendText, type HttpExchange } from "../../http/answer.ts";
import type { Handler } from "../../http/listener.ts";
import { jwksPath } from "../../jwt/public-paths.ts";

interface Document {
  readonly type: string;
  readonly body: string;
  /** Strong (RFC 9110 §8.8.3): equal bytes, equal tag, on every gateway. */
  readonly etag: string;
}

export interface WellKnownOptions {
  readonly state: () => HolderState;
  readonly now: () => Moment;
  /** `jwks_uri` of the discovery document. @default `<issuer>/.well-known/jwks.json` */
  readonly jwksUri?: string;
}

/** The public keys (RFC 7517 §5) that are accepted here: those of the ring without the revoked ones. */
export function jwksHandler(options: WellKnownOptions): Handler {
  return served(options, ({ current, refused }) => {
    if (current === undefined) return undefined;
    const materials = new Map(
      [...current.publicJwks].filter(([kid]) => !refused.has(kid)).map(([kid, publicJwk]) => [kid, { publicJwk }]),
    );
    const body = `${JSON.stringify(publicJwks(current.ring, materials), undefined, 2)}\n`;
    return { type: "application/jwk-set+json", body };
  });
}

/**
 * As much of OpenID Connect Discovery 1.0 §3 as a verifier needs. Nothing where the issuer is no https URL, or one with a query
 * or a fragment, which may have no such document.
 */
export function discoveryHandler(options: WellKnownOptions): Handler {
  return served(options, ({ current }) => {
    if (current === undefined) return undefined;
    const { issuer } = current.ring.signer.profile;
    if (!isIssuerUrl(issuer)) return undefined;
    const algorithms = keysOf(current.ring).map(({ profile }) => profile.algorithm);
    const document = {
      issuer,
      jwks_uri: options.jwksUri ?? issuer.replace(/\/?$/, jwksPath),
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: [...new Set(algorithms)],
    };
    return { type: "application/json", body: `${JSON.stringify(document, undefined, 2)}\n` };
  });
}

function isIssuerUrl(issuer: string): boolean {
  const url = URL.parse(issuer);
  return url?.protocol === "https:" && url.search === "" && url.hash === "" && url.username === "";
}

/** Made once for each state of keys, not for each request. */
function served(
  { state, now: moment }: WellKnownOptions,
  make: (state: HolderState) => Omit<Document, "etag"> | undefined,
): Handler {
  let made: { readonly of: HolderState; readonly document: Document | undefined } | undefined;
  return (request, response) => {
    const now = state();
    const life = copyLife(now, moment());
    if (!isRead(request)) sendEmpty(response, 405, ["allow", "GET, HEAD"]);
    else if (!isReady(now) || life.kind === "none")
      sendEmpty(response, 503, ["retry-after", "1", "cache-control", "no-store"]);
    else {
      if (made?.of.current !== now.current || made?.of.refused !== now.refused) {
        const fresh = make(now);
        made = { of: now, document: fresh && { ...fresh, etag: etagOf(fresh.body) } };
      }
      if (made.document === undefined) sendEmpty(response, 404);
      else send({ request, response }, made.document, cacheControl(life));
    }
  };
}

function send({ request, response }: HttpExchange, { type, body, etag }: Document, cache: string): void {
  const headers = ["etag", etag, "cache-control", cache];
  if (matches(request.headers["if-none-match"], etag)) {
    // RFC 9110 §15.4.5: without a body, and without what describes one
    response.writeHead(304, headers);
    response.end();
    return;
  }
  sendText(response, { status: 200, type, body, headers }, request.method === "GET");
}

const cacheControl = (life: CopyLife): string =>
  life.kind === "kept" ? `public, max-age=${Math.floor(life.maxAgeMs / 1000)}` : "no-store";

const etagOf = (body: string): string => `"${createHash("sha256").update(body).digest("base64url").slice(0, 32)}"`;

/** RFC 9110 §13.1.2: compared without regard to `W/`. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === "*" || header.split(",").some((one) => one.trim().replace(/^W\//, "") === etag);
}
