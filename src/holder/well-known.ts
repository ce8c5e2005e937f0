import { createHash } from "node:crypto";
import { publicJwks } from "../crypto/jwks.ts";
import { anyOrigin, jwksPath, preflight } from "../jwt/public-paths.ts";
import { keysOf } from "../ring/ring.ts";
import type { Moment } from "../time/clock.ts";
import { copyLife, type CopyLife } from "./freshness.ts";
import type { HolderState } from "./state.ts";
import { isReady } from "./state-view.ts";

/** What matters of a request for a document. */
interface DocumentRequest {
  readonly method: string | undefined;
  /** The header `If-None-Match`. */
  readonly ifNoneMatch: string | undefined;
}

/** All that is to be sent, whatever sends it. */
interface DocumentAnswer {
  readonly status: 200 | 204 | 304 | 404 | 405 | 503;
  /** In the order in which they are sent. */
  readonly headers: Readonly<Record<string, string>>;
  /** Absent: none is sent. */
  readonly body?: string;
}

/** A document of the ring in memory, as fresh as that is. */
export type WellKnown = (request: DocumentRequest) => DocumentAnswer;

export interface WellKnownOptions {
  readonly state: () => HolderState;
  readonly now: () => Moment;
}

interface Document {
  readonly type: string;
  readonly body: string;
  /** Strong (RFC 9110 §8.8.3): equal bytes, equal tag, on every replica. */
  readonly etag: string;
}

/** The public keys (RFC 7517 §5) that are accepted here: those of the ring without the revoked ones. */
export function jwksDocument(options: WellKnownOptions): WellKnown {
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
 *
 * @param jwksUri - `jwks_uri` of the document. @default `<issuer>/.well-known/jwks.json`
 */
export function discoveryDocument(options: WellKnownOptions, jwksUri?: string): WellKnown {
  return served(options, ({ current }) => {
    if (current === undefined) return undefined;
    const { issuer } = current.ring.signer.profile;
    if (!isIssuerUrl(issuer)) return undefined;
    const algorithms = keysOf(current.ring).map(({ profile }) => profile.algorithm);
    const document = {
      issuer,
      jwks_uri: jwksUri ?? issuer.replace(/\/?$/, jwksPath),
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
): WellKnown {
  let made: { readonly of: HolderState; readonly document: Document | undefined } | undefined;
  return (request) => {
    if (request.method === "OPTIONS") return preflight;
    if (request.method !== "GET" && request.method !== "HEAD") return empty(405, { allow: "GET, HEAD, OPTIONS" });
    const now = state();
    const life = copyLife(now, moment());
    if (!isReady(now) || life.kind === "none") return empty(503, { "retry-after": "1", "cache-control": "no-store" });
    if (made?.of.current !== now.current || made?.of.refused !== now.refused) {
      const fresh = make(now);
      made = { of: now, document: fresh && { ...fresh, etag: etagOf(fresh.body) } };
    }
    return made.document === undefined ? empty(404) : answer(request, made.document, cacheControl(life));
  };
}

const empty = (status: DocumentAnswer["status"], headers: DocumentAnswer["headers"] = {}): DocumentAnswer => ({
  status,
  headers: { ...anyOrigin, ...headers, "content-length": "0" },
});

function answer(
  { method, ifNoneMatch }: DocumentRequest,
  { type, body, etag }: Document,
  cache: string,
): DocumentAnswer {
  const headers = { ...anyOrigin, etag, "cache-control": cache };
  // RFC 9110 §15.4.5: without a body, and without what describes one
  if (matches(ifNoneMatch, etag)) return { status: 304, headers };
  return {
    status: 200,
    headers: { ...headers, "content-type": type, "content-length": String(Buffer.byteLength(body)) },
    ...(method === "GET" && { body }),
  };
}

const cacheControl = (life: CopyLife): string =>
  life.kind === "kept" ? `public, max-age=${Math.floor(life.maxAgeMs / 1000)}` : "no-store";

const etagOf = (body: string): string => `"${createHash("sha256").update(body).digest("base64url").slice(0, 32)}"`;

/** RFC 9110 §13.1.2: compared without regard to `W/`. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === "*" || header.split(",").some((one) => one.trim().replace(/^W\//, "") === etag);
}
