import { defaultOwnedHeaders } from "../gateway/faces/owned-headers.ts";
import { checkFaces } from "../gateway/check-faces.ts";
import { checkRing } from "../holder/assemble.ts";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { checkBusPlace } from "../sessions/bus/bus-place.ts";
import type { GatewayFlags } from "./commands/gateway-command.ts";
import { revocationsOf } from "./revocation-flags.ts";
import { UsageError } from "./report-error.ts";
import { sessionsOf } from "./session-flags.ts";

/** Refuses what `keyturn gateway` would refuse of its flags before it opens anything. @throws UsageError */
export function checkFlags(flags: GatewayFlags): void {
  const { claimHeaders: owned = defaultOwnedHeaders, mintListen } = flags;
  revocationsOf(flags);
  const sessions = sessionsOf(flags);
  try {
    if (sessions?.bus) checkBusPlace(sessions.bus);
    checkFaces({ owned, ...(mintListen && { mintListen }) });
    checkRing(flags.public === true ? "public" : "signer", mintListen !== undefined);
  } catch (error) {
    throw error instanceof ChangeNeededError ? new UsageError(error.message) : error;
  }
}
