import type { RingObject } from "./codec/wire.ts";
import { type Found, type Reading, rings, strangeSigner } from "./found.ts";

/** What is wrong with one of the three objects: a code for programs, a line for people. */
export interface ObjectTrouble {
  readonly object: RingObject;
  /**
   * `Missing`: it is not there, though there is a ring. `Unreadable`: ours, and damaged. `Foreign`: somebody else's, or holds
   * a key that the ring does not know.
   */
  readonly problem: "Missing" | "Unreadable" | "Foreign";
  /** Never quotes the content. */
  readonly message: string;
}

const objects = ["ring", "signer", "public"] as const;

/** What is wrong with each of the three objects, as they were read; empty when nothing is. */
export function troublesOf(found: Found): readonly ObjectTrouble[] {
  const isKnown = rings(found).length > 0 || found.claims.some(({ generation }) => generation > 0);
  return objects.flatMap((object) => {
    const trouble = troubleOf(object === "signer" ? signerIn(found) : found[object], isKnown);
    return trouble ? [{ object, ...trouble }] : [];
  });
}

/** The reading that such a trouble was made of: for somebody who was told of an object and can't read it. */
export function readingOf({ problem, message }: Pick<ObjectTrouble, "problem" | "message">): Reading {
  switch (problem) {
    case "Missing":
      return { kind: "absent" };
    case "Unreadable":
      return { kind: "unreadable", problem: message };
    case "Foreign":
      return { kind: "foreign", problem: message };
    default:
      return problem satisfies never;
  }
}

function troubleOf(reading: Reading, isKnown: boolean): Omit<ObjectTrouble, "object"> | undefined {
  switch (reading.kind) {
    case "absent":
      return isKnown ? { problem: "Missing", message: "it is not there" } : undefined;
    case "unreadable":
      return { problem: "Unreadable", message: reading.problem };
    case "foreign":
      return { problem: "Foreign", message: reading.problem };
    case "ring":
    case "adoptable":
      return undefined;
    default:
      return reading satisfies never;
  }
}

function signerIn(found: Found): Reading {
  const problem = strangeSigner(found);
  return problem === undefined ? found.signer : { kind: "foreign", problem };
}
