import type { Kid } from "./key.ts";

/** The public members of a key, nothing else (RFC 7518 §6.2.1, §6.3.1; RFC 8037 §2). */
export type PublicJwk =
  | { readonly kty: "EC"; readonly crv: "P-256" | "P-384" | "P-521"; readonly x: string; readonly y: string }
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string }
  | { readonly kty: "RSA"; readonly n: string; readonly e: string };

/** Public and private members. Never leaves the ring and signer objects. */
export type PrivateJwk =
  | (Extract<PublicJwk, { kty: "EC" }> & { readonly d: string })
  | (Extract<PublicJwk, { kty: "OKP" }> & { readonly d: string })
  | (Extract<PublicJwk, { kty: "RSA" }> & {
      readonly d: string;
      readonly p: string;
      readonly q: string;
      readonly dp: string;
      readonly dq: string;
      readonly qi: string;
    });

/** A key's halves. The facts about the key stand in the ring, joined by kid. */
export interface KeyMaterial {
  readonly publicJwk: PublicJwk;
  readonly privateJwk?: PrivateJwk;
}
export type KeyMaterials = ReadonlyMap<Kid, KeyMaterial>;
