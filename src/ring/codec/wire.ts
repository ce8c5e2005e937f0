import type { PrivateJwk, PublicJwk } from "../jwk.ts";
import type { Algorithm, Key } from "../key.ts";
import { type formats } from "../../parse/api-names.ts";

/** Which of the three objects a document belongs to: the truth, or one of its projections. */
export type RingObject = "ring" | "signer" | "public";

/** One of the two that are let out of the ring. */
export type ProjectionName = Exclude<RingObject, "ring">;

/** Longest texts, in UTF-16 units. Wider than what a spec may say. */
export const longest = {
  kid: 256,
  name: 253,
  issuer: 2048,
  audience: 2048,
  audiences: 64,
  reason: 1024,
  request: 1024,
  writeId: 32,
} as const;

/** Facts about a key as the document has them: seconds for durations, RFC 3339 for instants. */
export interface WireFacts {
  readonly kid: string;
  readonly profile: {
    readonly algorithm: Algorithm;
    readonly issuer: string;
    readonly audiences: readonly string[];
    readonly maxTTLSeconds: number;
  };
  readonly state: Key["state"];
  readonly createdAt: string;
  readonly adoptedAt?: string;
  readonly waitSeconds: number;
  readonly publishedAt?: string;
  readonly activatedAt?: string;
  readonly windowSeconds?: number;
  readonly demotedAt?: string;
  readonly demotedInGeneration?: number;
  readonly quiescedAt?: string;
}

export interface PublicWireKey extends WireFacts {
  readonly publicJwk: PublicJwk;
}

export interface PrivateWireKey extends PublicWireKey {
  readonly privateJwk?: PrivateJwk;
}

export interface PublicWireRevocation {
  readonly kid: string;
  readonly thumbprint?: string;
  readonly revokedAt: string;
}

export interface PrivateWireRevocation extends PublicWireRevocation {
  readonly reason?: string;
}

/** What all three objects say of the ring beside keys and revocations. */
interface WireRing<WireKey extends PublicWireKey, Revocation extends PublicWireRevocation> {
  readonly format: typeof formats.keyRing;
  readonly rotation: { readonly namespace: string; readonly name: string };
  readonly generation: number;
  readonly writes?: readonly string[];
  readonly settings: {
    readonly clockSkewSeconds: number;
    readonly jwksMaxAgeSeconds: number;
    readonly mintMaxTTLSeconds: number;
    readonly rotationWindowSeconds: number;
  };
  readonly keys: readonly WireKey[];
  readonly revoked: readonly Revocation[];
  readonly revokedBefore?: { readonly requested: string; readonly effective: string };
  readonly longerMaxAge?: { readonly maxAgeSeconds: number; readonly loweredAt: string };
  readonly handledRequests: readonly string[];
}

export type PublicWireRing = WireRing<PublicWireKey, PublicWireRevocation>;
export type PrivateWireRing = WireRing<PrivateWireKey, PrivateWireRevocation>;
