import type { Kid } from "./key.ts";

/** What a person asks of a rotation. None of it changes the ring by itself: the one who runs the rotation does. */
export type Change =
  | { readonly kind: "rotate"; readonly requestedAt: string }
  /** `undefined` unpins. */
  | { readonly kind: "pin"; readonly kid: Kid | undefined }
  | { readonly kind: "revoke"; readonly kid: Kid; readonly reason: string }
  | { readonly kind: "revokeCreatedBefore"; readonly atMs: number }
  /** `jwks`: an RFC 7517 set whose keys are to be verified for a window, too. */
  | { readonly kind: "recover"; readonly requestedAtMs: number; readonly jwks?: string };
