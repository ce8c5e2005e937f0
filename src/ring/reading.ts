import type { Kid } from "./key.ts";
import type { WritesSeen } from "./lineage.ts";
import type { AdoptableKey } from "./plan.ts";
import type { Ring } from "./ring.ts";

/** A whole ring; `halves`: the kids whose private half stands beside it. */
export interface Copy {
  readonly ring: Ring;
  readonly halves: readonly Kid[];
}

/** What is still whole of an object that can't be used. */
export interface Remnant {
  /** An earlier copy of the same object. */
  readonly earlier?: Copy;
  /** A key whose private half is there, too. */
  readonly signer?: AdoptableKey;
  readonly verifyOnly: readonly AdoptableKey[];
}

/** What stands in the place of one of the three objects. */
export type Reading =
  | { readonly kind: "absent" }
  | ({ readonly kind: "ring" } & Copy)
  /** Ours, and damaged. `problem` never quotes the content. */
  | { readonly kind: "unreadable"; readonly problem: string; readonly left?: Remnant }
  /** Only the signer object can be: existing keys in a form that can be taken over. */
  | { readonly kind: "adoptable"; readonly signer: AdoptableKey; readonly verifyOnly: readonly AdoptableKey[] }
  /** Somebody else's. Never written. */
  | { readonly kind: "foreign"; readonly problem: string };

export interface Found {
  readonly ring: Reading;
  readonly signer: Reading;
  readonly public: Reading;
  /** Rings that others say they have seen: acks by gateway, and the status. Read before the ring. */
  readonly claims: readonly (WritesSeen & { readonly by: string })[];
  /** A person asked for recovery, and may bring public keys along. */
  readonly recovery?: { readonly alsoVerify: readonly AdoptableKey[] };
  readonly nowMs: number;
  /** As in the planner's input: what a wait that begins now counts from. */
  readonly waitsFromMs?: number;
}
