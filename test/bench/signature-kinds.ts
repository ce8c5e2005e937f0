import type { CommonAlgorithm } from "./gateway-world.ts";

/** A kind of key whose signatures are timed. */
export interface SignatureKind {
  readonly name: string;
  readonly algorithm: CommonAlgorithm;
  readonly modulusBits?: number;
  /** What `openssl speed` calls it. */
  readonly speed: string;
  /** How many times as many a second as bare OpenSSL we are to verify and to mint, the whole token. */
  readonly goals?: { readonly verify: number; readonly mint: number };
}

const rsa = (modulusBits: number) =>
  ({ name: `RS256, ${modulusBits} bits`, algorithm: "RS256", modulusBits, speed: `rsa${modulusBits}` }) as const;

export const signatureKinds: readonly SignatureKind[] = [
  { name: "EdDSA", algorithm: "EdDSA", speed: "ed25519", goals: { verify: 2.3, mint: 2.7 } },
  { name: "ES256", algorithm: "ES256", speed: "ecdsap256", goals: { verify: 1.05, mint: 1 } },
  { name: "ES384", algorithm: "ES384", speed: "ecdsap384", goals: { verify: 2.8, mint: 8 } },
  { ...rsa(2048), goals: { verify: 0.85, mint: 0.98 } },
  rsa(3072),
];
