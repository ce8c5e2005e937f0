/** What happened, as it came over the watches: what the picture and the report are made of. */
export interface Record {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly steps: readonly Step[];
  readonly rings: readonly Ring[];
  readonly replicas: readonly Replica[];
}

export interface Step {
  readonly name: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** A public ring that was let out. */
export interface Ring {
  readonly atMs: number;
  readonly generation: number;
  readonly keys: readonly { readonly kid: string; readonly algorithm: string; readonly state: KeyState }[];
  readonly revoked: readonly string[];
}

export type KeyState = "prepared" | "active" | "verify-only" | "revoked";

/** A pod with a gateway, from its first acknowledgement on. */
export interface Replica {
  readonly pod: string;
  /** Each acknowledged ring, and the key that it signs with. */
  readonly acks: readonly { readonly atMs: number; readonly generation: number; readonly signs?: string }[];
  /** When it was gone. */
  readonly goneAtMs?: number;
}
