import type { Change } from "../../ring/change.ts";
import { conflictIn, decide } from "../../ring/decide.ts";
import { RuleError } from "../../errors/keyturn-error.ts";
import { ask, type ChangeOptions } from "./ask-change.ts";
import type { ExitCode } from "../exit.ts";
import type { RingHome } from "../../keeper/home.ts";
import { firstLook, note } from "../first-look.ts";
import type { Io } from "../text/screen.ts";
import { withChange } from "./suppose.ts";
import { rotationName } from "../../ring/ring.ts";

export interface RecoverOptions extends ChangeOptions {
  /** RFC 7517 §5: public keys that are to be verified for a window, too. */
  readonly jwks?: string;
}

/** Asks for the ring to be rebuilt from what is left of it. Only while it is stalled for a reason that this mends. */
export async function recover(home: RingHome, { jwks, ...options }: RecoverOptions, io: Io): Promise<ExitCode> {
  const before = await firstLook(home, io);
  const { decision } = before;
  const name = rotationName(before.seen.rotation);
  const conflict = decision.kind === "stalled" ? decision : conflictIn(decision);
  if (conflict?.reason === "SecretConflict") {
    throw new RuleError("NotRecoverable", `Cannot recover ${name}: a recovery does not mend this: ${conflict.message}`);
  }
  // One that is asked for and not carried out yet may be asked for anew, with keys of one's own
  if (decision.kind !== "stalled" && before.seen.found.recovery === undefined) {
    throw new RuleError("NothingToRecover", `Cannot recover ${name}: must be stalled, its ring is sound`);
  }
  const change: Change = { kind: "recover", requestedAtMs: before.nowMs, ...(jwks !== undefined && { jwks }) };
  // Whoever runs the rotation would refuse it, too: then it is not asked for, be it in earnest or not
  const supposed = decide(withChange(before.seen, change));
  if (supposed.kind === "stalled") {
    throw new RuleError(supposed.reason, `Cannot recover ${name}: ${supposed.message}`);
  }
  const kept = (await home.setsAside?.(supposed, change)) ?? [];
  for (const { from, to } of kept) note(io, `${from} holds what is not taken over: it is kept in ${to}`);
  const places = [...new Set(kept.map(({ to }) => to))];
  const leftOver = places.length > 0 ? `; what was not taken over is kept in ${places.join(" and ")}` : "";
  return ask(
    {
      home,
      io,
      before,
      change,
      asked: `Recovery of ${name} requested`,
      about: "rebuild",
      done: (view) => {
        if (view.decision.kind !== "plan" || view.decision.input.stored.kind !== "ring") return undefined;
        return `Recovered: ${name} goes on with generation ${view.ring?.generation ?? 0}${leftOver}`;
      },
    },
    options,
  );
}
