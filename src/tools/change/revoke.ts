import { shortKid } from "../../ring/describe.ts";
import { RuleError } from "../../errors/keyturn-error.ts";
import type { Kid } from "../../ring/key.ts";
import { keysOf, rotationName } from "../../ring/ring.ts";
import { ask, changeable, type ChangeRequest, type ChangeOptions } from "./ask-change.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import type { RingHome } from "../../keeper/home.ts";
import { kidShown, isCut, kidNamed } from "../text/kids.ts";
import { line, type Io } from "../text/screen.ts";
import type { View } from "../../ring/view.ts";
import { listed } from "../text/words.ts";
import { formatInstant } from "../../parse/instant.ts";
import { mostAheadMs } from "../../ring/obey.ts";

export interface RevokeOptions extends ChangeOptions {
  /** A kid, its beginning, or as the tools print it. */
  readonly kid: string;
  /** For whoever reads the ring later. */
  readonly reason: string;
  /** Remember a kid that the ring has never seen. */
  readonly unknown: boolean;
}

/** Has one key refused, everywhere and at once. When it is the signer, the next key signs in the same moment. */
export async function revoke(home: RingHome, options: RevokeOptions, io: Io): Promise<ExitCode> {
  const { reason } = options;
  const before = await changeable({ home, io }, "revoke");
  const kid = kidToRevoke(before, options);
  if (before.ring?.revoked.some((r) => r.kid === kid)) {
    line(io.out, `Key ${shortKid(kid)} is revoked already`);
    return exitCodes.done;
  }
  const isSigner = before.ring?.signer.kid === kid;
  const rest = isSigner ? "; it is the signer: another key takes over in the same write" : "";
  return ask(
    {
      ...{ home, io, before, change: { kind: "revoke", kid, reason } },
      asked: `Revocation of key ${shortKid(kid)} requested${rest}`,
      about: "revoke",
      done: (view) => revoked(view, [kid]),
    },
    options,
  );
}

function kidToRevoke({ ring, seen }: View, { kid: text, unknown }: RevokeOptions): Kid {
  const kid = ring && kidNamed(text, ring);
  if (kid !== undefined) return kid;
  if (unknown && !isCut(text)) return text;
  const kids = ring ? keysOf(ring).map((k) => k.kid) : [];
  const what = unknown ? "must be the whole kid, since the ring has never seen it" : "is no key of the ring";
  throw new RuleError(
    "UnknownKid",
    `Cannot revoke ${kidShown(text)}: ${what}; ${rotationName(seen.rotation)} has ${kids.length === 0 ? "no keys" : listed(kids)}`,
  );
}

export interface RevokeCreatedBeforeOptions extends ChangeOptions {
  /** Keys made before it are revoked; `now`: all that the ring has. */
  readonly atMs: number | "now";
}

/** For a leaked ring: has every key refused that was made before the instant. A fresh key signs in the same moment. */
export async function revokeCreatedBefore(
  home: RingHome,
  options: RevokeCreatedBeforeOptions,
  io: Io,
): Promise<ExitCode> {
  const before = await changeable({ home, io }, "revoke");
  const atMs = options.atMs === "now" ? presentMs(before) : cutoff(options.atMs, before);
  const instant = formatInstant(atMs);
  const kids = before.ring
    ? keysOf(before.ring)
        .filter((k) => k.createdAtMs < atMs)
        .map((k) => k.kid)
    : [];
  if (kids.length === 0) {
    line(io.out, `No key of ${rotationName(before.seen.rotation)} was made before ${instant}`);
    return exitCodes.done;
  }
  const asked: ChangeRequest = {
    ...{ home, io, before, change: { kind: "revokeCreatedBefore", atMs } },
    asked: `Revocation of ${kids.length} ${kids.length === 1 ? "key" : "keys"} made before ${instant} requested`,
    about: "revokeBefore",
    done: (view) => revoked(view, kids),
  };
  return ask(asked, options);
}

/** Later than every key that the ring has: `nowMs` may be a second behind the clock that a key was made by. */
function presentMs({ ring, nowMs }: View): number {
  const made = ring ? keysOf(ring).map(({ createdAtMs }) => createdAtMs) : [];
  return Math.max(nowMs, Math.min(Math.max(...made) + 1, nowMs + mostAheadMs));
}

/** @throws RuleError `InTheFuture`: the wrong year would revoke every key */
function cutoff(atMs: number, view: View): number {
  const { nowMs } = view;
  if (atMs <= nowMs + mostAheadMs) return Math.min(atMs, presentMs(view));
  const [asked, now] = [atMs, nowMs].map(formatInstant);
  throw new RuleError(
    "InTheFuture",
    `Cannot revoke keys made before "${asked ?? ""}": must not be in the future, it is ${now ?? ""}; "now" revokes every key`,
  );
}

/** Done when the ring has forgotten the keys, and every gateway that is expected, too. */
function revoked({ ring, seen }: View, kids: readonly Kid[]): string | undefined {
  if (!ring || keysOf(ring).some((k) => kids.includes(k.kid))) return undefined;
  if (!kids.every((kid) => ring.revoked.some((r) => r.kid === kid))) return undefined;
  const gateways = seen.policy.acknowledgements === "Ignored" ? [] : seen.gateways;
  if (gateways.some((g) => !g.ack || kids.some((kid) => g.ack?.verifies.includes(kid)))) return undefined;
  return `Revoked: ${listed(kids.map(shortKid))}; key ${shortKid(ring.signer.kid)} signs`;
}
