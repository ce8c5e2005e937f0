import type { RingMemory } from "../holder/ring-memory.ts";
import type { RevokedSet } from "../jwt/revoked-set.ts";
import type { Cancel } from "../time/clock.ts";
import { revokedBetween } from "./core/session-token.ts";
import type { SessionService } from "./session-service.ts";

/** Ends the sessions of all that becomes revoked from now on, keys and tokens, in the tick in which it does. */
export function endRevoked(
  service: Pick<SessionService, "revoke">,
  { memory, revoked }: { readonly memory: Pick<RingMemory, "state" | "listen">; readonly revoked: RevokedSet },
): Cancel {
  let before = memory.state.refused;
  const forgetRing = memory.listen(() => {
    const after = memory.state.refused;
    const news = revokedBetween({ revokedKids: before }, { revokedKids: after });
    before = after;
    for (const revocation of news) service.revoke(revocation);
  });
  const forgetSet = revoked.listen((revocation) => service.revoke(revocation));
  return () => {
    forgetRing();
    forgetSet();
  };
}
