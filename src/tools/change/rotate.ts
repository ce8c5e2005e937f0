import { shortKid } from "../../ring/describe.ts";
import { ask, changeable, type ChangeOptions } from "./ask-change.ts";
import type { ExitCode } from "../exit.ts";
import type { RingHome } from "../../keeper/home.ts";
import { line, type Io } from "../text/screen.ts";
import { holds, type View } from "../../ring/view.ts";
import { rotationName } from "../../ring/ring.ts";
import { formatInstant } from "../../parse/instant.ts";

/** Asks for a rotation. The prepared key signs as soon as every verifier is known to accept it, not before. */
export async function rotate(home: RingHome, options: ChangeOptions, io: Io): Promise<ExitCode> {
  const before = await changeable({ home, io }, "rotate");
  const name = rotationName(before.seen.rotation);
  const requestedAt = formatInstant(before.nowMs);
  const hold = heldBy(before);
  if (hold !== undefined) line(io.err, `keyturn: ${name} ${hold}`);
  return ask(
    {
      home,
      io,
      before,
      change: { kind: "rotate", requestedAt },
      asked: `Rotation of ${name} requested`,
      about: "activate",
      done: (view) => rotated(view, requestedAt),
    },
    options,
  );
}

function heldBy(view: View): string | undefined {
  if (view.seen.refused?.holds === true) return "has no settings that can be used: it rotates when they are mended";
  if (view.seen.policy.suspend) return "is suspended: it rotates when the suspension ends";
  return holds(view, "Pinned") ? "is pinned: it rotates when the pin ends (keyturn rollback --unpin)" : undefined;
}

/** A request is done when the ring says so, or when a newer one took its place and was done. */
function rotated({ ring, seen }: View, requestedAt: string): string | undefined {
  if (!ring) return undefined;
  const isOurs = (request: string): boolean => request.endsWith(`:${requestedAt}`);
  const isReplaced = !seen.requests.some(isOurs) && ring.signer.activatedAtMs > Date.parse(requestedAt);
  if (!ring.handledRequests.some(isOurs) && !isReplaced) return undefined;
  const [old] = ring.retiring;
  const rest = old ? `; tokens of key ${shortKid(old.kid)} stay valid until they end` : "";
  return `Rotated: key ${shortKid(ring.signer.kid)} signs now${rest}`;
}
