import { identity, readPublicJwk } from "../ring/codec/read-jwk.ts";
import { KeyturnError } from "../errors/keyturn-error.ts";
import type { KeyMaterials, PublicJwk } from "../ring/jwk.ts";
import { thumbprintOf } from "../ring/key.ts";
import { keysOf, type Ring } from "../ring/ring.ts";
import { hasPrivateMember } from "./jwk-set.ts";
import { readPrivatePem, readPublicPem } from "./pem.ts";
import { thumbprint } from "./thumbprint.ts";
import { Cursor, type Subject } from "../parse/cursor.ts";
import { parseJson } from "../parse/document.ts";

const subject: Subject = { code: "NotWhole", action: "Cannot use key" };

/** The shortest key material (P-256, Ed25519) has 43 characters of base64; what was no text may be anything. */
const mayBeMaterial = /[\w+/-]{40}|\uFFFD/;

/** A ring, and the keys that are there for it. */
export interface Known {
  readonly ring: Ring;
  readonly materials: KeyMaterials;
}

/**
 * True when the texts hold a key that none of the rings knows, or something that may be one and can't be read: writing over
 * them would lose it. A private half that a ring let go on purpose does not count, that of a signer which can't sign does.
 */
export function holdsUnclaimed(texts: readonly string[], known: readonly Known[]): boolean {
  const all = known.map(claimsOf);
  const claims: Claims = {
    has: (key, isPrivate) => all.some((one) => one.has(key, isPrivate)),
    names: new Set(all.flatMap(({ names }) => [...names])),
  };
  return texts.some((text) => isUnclaimed(text, claims));
}

interface Claims {
  /** Kids of the ring and of what it revoked. */
  readonly names: ReadonlySet<string>;
  readonly has: (key: PublicJwk, isPrivate: boolean) => boolean;
}

function claimsOf({ ring, materials }: Known): Claims {
  const keys = keysOf(ring);
  const identityOf = (kid: string): string | undefined => {
    const material = materials.get(kid);
    return material && identity(material.publicJwk);
  };
  const known = new Set(keys.map(({ kid }) => identityOf(kid)));
  const lost = ring.signer.canSign ? undefined : identityOf(ring.signer.kid);
  const revoked = new Set(ring.revoked.map((one) => thumbprintOf(one)));
  return {
    names: new Set([...keys, ...ring.revoked].map(({ kid }) => kid)),
    has: (key, isPrivate) => {
      if (isPrivate && identity(key) === lost) return false;
      return known.has(identity(key)) || revoked.has(thumbprint(key));
    },
  };
}

function isUnclaimed(text: string, claims: Claims): boolean {
  if (claims.names.has(text.trim())) return false;
  const document = attempt(() => parseJson(text, { subject, publicOnly: false }));
  if (document) return jwksIn(document.value).some((jwk) => isUnclaimedJwk(jwk, claims));
  return text.includes("-----BEGIN") ? isUnclaimedPem(text, claims) : mayBeMaterial.test(text);
}

function isUnclaimedJwk(jwk: object, { has }: Claims): boolean {
  const fields = new Cursor(jwk, "key", subject).fields();
  const isPrivate = hasPrivateMember(fields);
  const key = attempt(() => readPublicJwk(fields));
  return key ? !has(key, isPrivate) : isPrivate;
}

function isUnclaimedPem(text: string, { has }: Claims): boolean {
  const half = attempt(() => readPrivatePem(text, { ...subject, file: "file" }));
  if (half) return !has(half.publicJwk, true);
  const key = attempt(() => readPublicPem(text, { ...subject, file: "file" }));
  return !key || !has(key, false);
}

/** Every object with a key type, however deep. */
function jwksIn(value: unknown): readonly object[] {
  if (typeof value !== "object" || value === null) return [];
  const below = Object.values(value).flatMap(jwksIn);
  return "kty" in value ? [value, ...below] : below;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}
