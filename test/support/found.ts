import type { Found, Reading, Stall } from "../../src/ring/found.ts";
import type { AdoptableKey, Stored } from "../../src/ring/plan.ts";
import { active, withoutStandby } from "./rings.ts";
import { epoch } from "./story.ts";

export const old: AdoptableKey = { kid: "old", algorithm: "ES256", createdAtMs: 1 };
export const older: AdoptableKey = { kid: "older", algorithm: "ES256", createdAtMs: 0 };

/** A ring whose signer is called after its generation: `s5`. */
export const copy = (generation: number, ...halves: readonly string[]): Reading => ({
  kind: "ring",
  ring: withoutStandby({ generation, signer: active(`s${generation}`) }),
  halves,
});
const readings: Readonly<Record<string, Reading>> = {
  absent: { kind: "absent" },
  unreadable: { kind: "unreadable", problem: "$.keys must be a list" },
  foreign: { kind: "foreign", problem: "it has no label of ours" },
  adoptable: { kind: "adoptable", signer: old, verifyOnly: [older] },
  "4": copy(4, "s4"),
  "5": copy(5, "s5"),
  "6": copy(6, "s6"),
};
export const reading = (name: string): Reading => readings[name] ?? { kind: "absent" };
export const found = (change: Partial<Found> = {}): Found => ({
  ring: reading("absent"),
  signer: reading("absent"),
  public: reading("absent"),
  claims: [],
  nowMs: epoch,
  ...change,
});

/** One word for a verdict: which ring, what it is rebuilt from, or why nothing goes on. */
export function verdictOf(verdict: Stored | Stall): string {
  switch (verdict.kind) {
    case "stalled":
      return verdict.reason;
    case "ring":
      return `${verdict.conflicts ? "held" : "ring"}${verdict.ring.generation}`;
    case "lost":
      return `lost${verdict.remains.generation}`;
    case "nothing":
    case "adoptable":
      return verdict.kind;
    default:
      return verdict satisfies never;
  }
}
