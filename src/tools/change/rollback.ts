import { shortKid } from "../../ring/describe.ts";
import { RuleError } from "../../errors/keyturn-error.ts";
import type { Key, Kid } from "../../ring/key.ts";
import { type Ring, keysOf, rotationName } from "../../ring/ring.ts";
import { ask, changeable, type ChangeRequest, type ChangeOptions } from "./ask-change.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import type { RingHome } from "../../keeper/home.ts";
import { kidShown, kidNamed } from "../text/kids.ts";
import { line, type Io } from "../text/screen.ts";
import type { View } from "../../ring/view.ts";

export interface RollbackOptions extends ChangeOptions {
  /** A kid or its prefix. @default the key that signed before the present one */
  readonly to?: string;
  /** Ends the pin of an earlier rollback. */
  readonly unpin: boolean;
}

/** Pins a key that can still sign as the signer: it signs again, and no scheduled rotation happens until it is unpinned. */
export async function rollback(home: RingHome, options: RollbackOptions, io: Io): Promise<ExitCode> {
  const before = await changeable({ home, io }, options.unpin ? "unpin" : "roll back");
  if (options.unpin) return unpin({ home, before, io }, options);
  const { ring } = before;
  if (!ring)
    throw new RuleError("NoRing", `Cannot roll back ${rotationName(before.seen.rotation)}: there is no ring yet`);
  const kid = target(ring, options.to);
  const isPinned = before.seen.policy.pinnedKid === kid;
  if (isPinned && ring.signer.kid === kid) {
    line(io.out, `Key ${shortKid(kid)} is pinned already, and signs`);
    return exitCodes.done;
  }
  return ask(
    {
      home,
      io,
      before,
      change: { kind: "pin", kid },
      asked: `Key ${shortKid(kid)} is pinned; no scheduled rotation happens until "keyturn rollback --unpin"`,
      about: "activate",
      done: (view) => (view.ring?.signer.kid === kid ? `Rolled back: key ${shortKid(kid)} signs` : undefined),
    },
    options,
  );
}

async function unpin(
  { home, before, io }: Pick<ChangeRequest, "home" | "before" | "io">,
  options: ChangeOptions,
): Promise<ExitCode> {
  const { seen, ring } = before;
  if (seen.policy.pinnedKid === undefined) {
    line(io.out, `${rotationName(seen.rotation)} is not pinned`);
    return exitCodes.done;
  }
  const signer = ring ? `; key ${shortKid(ring.signer.kid)} signs until the next rotation` : "";
  const asked = `${rotationName(seen.rotation)} is unpinned${signer}`;
  const done = (view: View): string | undefined => (view.seen.policy.pinnedKid === undefined ? "" : undefined);
  return ask({ home, io, before, change: { kind: "pin", kid: undefined }, asked, about: "activate", done }, options);
}

/** Keys that may sign again: they have their private half, and every verifier knows them. */
const candidates = (ring: Ring): readonly Key[] =>
  keysOf(ring).filter((k) => k.canSign && k.publishedAtMs !== undefined && k.kid !== ring.signer.kid);

function target(ring: Ring, to: string | undefined): Kid {
  if (to === undefined) return previousSigner(ring);
  const kid = kidNamed(to, ring);
  if (kid === undefined) throw refused(kidShown(to), "is no key of the ring", ring);
  if (ring.revoked.some((r) => r.kid === kid)) throw refused(`key ${shortKid(kid)}`, "is revoked", ring);
  const key = keysOf(ring).find((k) => k.kid === kid);
  if (key?.canSign !== true) throw refused(`key ${shortKid(kid)}`, "can sign no more, its private half is gone", ring);
  return kid;
}

function previousSigner(ring: Ring): Kid {
  const previous = ring.retiring.find((k) => k.activatedAtMs !== undefined);
  if (!previous) throw refused("the previous signer", "there is none in the ring", ring);
  if (!previous.canSign) {
    throw refused(`key ${shortKid(previous.kid)}`, "can sign no more, its private half is gone", ring);
  }
  return previous.kid;
}

function refused(what: string, why: string, ring: Ring): RuleError {
  const possible = candidates(ring).map((k) => `${k.kid} (${k.state})`);
  const rest = possible.length === 0 ? "no other key can sign" : `possible: ${possible.join(", ")}`;
  return new RuleError("NoWayBack", `Cannot roll back to ${what}: ${why}; ${rest}`);
}
